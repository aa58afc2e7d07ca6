/** Mistakes in the techniques that track pages. */
import type { HandMade } from "../mutant.ts";

export const techniques: readonly HandMade[] = [
  {
    name: "split-never-eagerly",
    file: "src/hypervisor/techniques/armLeaves.ts",
    class: "statement removed",
    from: "const splits = splitsEagerly ? splitAll(ept, work) : 0;",
    to: "const splits = 0;",
    damage: "large leaves that were to be split when they are armed are split by their first write",
  },
  {
    name: "split-eagerly-at-once",
    file: "src/hypervisor/techniques/armLeaves.ts",
    class: "condition",
    from: "return splitsEagerly && initiallySet ?",
    to: "return initiallySet ?",
    damage:
      "with all bits set the first harvest splits large leaves, whether it was told to or not",
  },
  {
    name: "logs-never-given-back",
    file: "src/hypervisor/techniques/logControls.ts",
    class: "statement removed",
    from: `  freeLogs(vm);
  setAccessedDirty(vm, false);`,
    to: "  setAccessedDirty(vm, false);",
    damage: "log pages are not given back when logging ends",
  },
  {
    name: "logs-partial-kept",
    file: "src/hypervisor/techniques/logControls.ts",
    class: "statement removed",
    from: `    freeLogs(vm);
    return false;`,
    to: "    return false;",
    damage: "log pages of an arming that failed are kept",
  },
  {
    name: "controls-not-cleared",
    file: "src/hypervisor/techniques/logControls.ts",
    class: "bits",
    from: `readField(vmcs, Field.secondaryControls) & ~LOG_CONTROLS`,
    to: `readField(vmcs, Field.secondaryControls) | LOG_CONTROLS`,
    damage: "disarming leaves the logging controls on",
  },
  {
    name: "controls-image-stale",
    file: "src/hypervisor/techniques/logControls.ts",
    class: "statement removed",
    from: `    writeField(vmcs, Field.eptPointer, ...eptPointer(vm.ept, on));
    clearVmcs(vmcs);`,
    to: "    writeField(vmcs, Field.eptPointer, ...eptPointer(vm.ept, on));",
    damage: "the VMCS regions in memory do not know of the controls",
  },
  {
    name: "index-not-reset-on-arm",
    file: "src/hypervisor/techniques/logControls.ts",
    class: "statement removed",
    from: `  unit.empty(vmcs, vm.logs.geometry);
`,
    to: ``,
    damage: "a log is not empty when logging begins",
  },
  {
    name: "full-logs-survive-reset",
    file: "src/hypervisor/techniques/logControls.ts",
    class: "statement removed",
    from: `  writeField(vmcs, Field.fullLogs, 0);
`,
    to: "",
    damage: "PRL logs that were full before are full when logging begins again",
  },
  {
    name: "filter-always",
    file: "src/units/prl/declaration.ts",
    class: "condition",
    from: `(filterGuestTables ? SECONDARY_PRL_FILTER : 0)`,
    to: `SECONDARY_PRL_FILTER`,
    damage: "PRL always filters the guest's page tables",
  },
  {
    name: "pml-rearms-nothing-after-log-full",
    file: "src/hypervisor/techniques/dirtyLog.ts",
    class: "protocol",
    from: `const entries = drainLogs(at, (page) => markDirty(vm.dirty, page));`,
    to: `const entries = drainLogs(at, () => {});`,
    damage: "the log-full handler drops the entries",
  },
  {
    name: "pml-serves-first-vcpu",
    file: "src/hypervisor/techniques/dirtyLog.ts",
    class: "other receiver",
    from: "vm.vcpus.find((one) => one.vcpu === vcpu)!;",
    to: "vm.vcpus[0]!;",
    damage: "the log-full handler always drains the first vCPU's log",
  },
  {
    name: "pml-disarm-keeps-leaves",
    file: "src/hypervisor/techniques/dirtyLog.ts",
    class: "statement removed",
    from: `      if (vm.work.begins) disableLogs(vm);
      return disarmLeaves(vm);`,
    to: `      if (vm.work.begins) disableLogs(vm);
      return 0;`,
    damage: "disarming PML leaves D flags clear and large leaves protected",
  },
  {
    name: "wp-refuses-nothing",
    file: "src/hypervisor/techniques/writeViolation.ts",
    class: "early return removed",
    from: `  if (!write) return NOT_OURS;
`,
    to: "",
    damage: "a violation by a read counts as a write",
  },
  {
    name: "present-bit-disarm-forgets",
    file: "src/hypervisor/techniques/presentBit.ts",
    class: "bits",
    from: "setAttributes(vm.ept, word, allRights | accessed | dirty);",
    to: "setAttributes(vm.ept, word, accessed | dirty);",
    damage: "pages that were made absent stay so after tracking",
  },
  {
    name: "present-bit-rearms-sample-wrong",
    file: "src/hypervisor/techniques/presentBit.ts",
    class: "statement removed",
    from: `    takeRights(vm, page);
    markDirty(vm.sampled, page);`,
    to: "    markDirty(vm.sampled, page);",
    damage: "the pages of a sample keep their rights",
  },
  {
    name: "present-bit-old-sample-kept",
    file: "src/hypervisor/techniques/presentBit.ts",
    class: "statement removed",
    from: `  clearMarks(vm.sampled);
  for (const page of pages) {`,
    to: "  for (const page of pages) {",
    damage: "pages of an earlier sample still count as chosen",
  },
  {
    name: "present-bit-returned-untouched",
    file: "src/hypervisor/techniques/presentBit.ts",
    class: "statement removed",
    from: "if (countMarked(vm.sampled) === 0 || isMarked(vm.sampled, page)) markDirty(vm.touched, page);",
    to: "",
    damage: "a page that comes back to memory is not counted as touched",
  },
  {
    name: "scan-misses-accessed",
    file: "src/hypervisor/techniques/accessedDirtyScan.ts",
    class: "bits",
    from: `      if ((low & accessed) !== 0) markDirty(vm.touched, page);
      if ((low & dirty) !== 0) markDirty(vm.dirty, page);
    });`,
    to: `      if ((low & dirty) !== 0) markDirty(vm.touched, page);
      if ((low & dirty) !== 0) markDirty(vm.dirty, page);
    });`,
    damage: "a page that was only read does not count as touched",
  },
  {
    name: "scan-clears-accessed-only",
    file: "src/hypervisor/techniques/accessedDirtyScan.ts",
    class: "bits",
    from: "vm.work.heldOr(word, wordAt(words, word)) & ~(accessed | dirty);",
    to: "vm.work.heldOr(word, wordAt(words, word)) & ~accessed;",
    damage: "a scan leaves the D flags set",
  },
  {
    name: "prl-full-log-dropped-at-harvest",
    file: "src/hypervisor/techniques/accessLog.ts",
    class: "condition",
    from: `entries += takeLogs({ logs, unit, vcpu, vmcs }, (page) => addOccurrence(buffer, page));`,
    to: `takeLogs({ logs, unit, vcpu, vmcs }, () => {});`,
    damage: "a harvest throws full PRL logs away",
  },
  {
    name: "prl-handled-log-counted-again",
    file: "src/hypervisor/drain.ts",
    class: "bits",
    from: `if ((handled & (1 << log)) === 0) entries`,
    to: `if ((handled & (1 << log)) >= 0) entries`,
    damage: "a log that the handler has copied already is counted again",
  },
  {
    name: "prl-counts-survive",
    file: "src/hypervisor/techniques/accessLog.ts",
    class: "statement removed",
    from: `    rearm(vm) {
      clearOccurrences(vm.buffer);
`,
    to: `    rearm(vm) {
`,
    damage: "PRL's counts are not emptied between rounds",
  },
  {
    name: "ring-collect-leaves-log",
    file: "src/hypervisor/techniques/dirtyRing.ts",
    class: "statement removed",
    from: `for (const vcpu of vm.vcpus) entries += flushLog(vm, vcpu);`,
    to: ``,
    damage: "a harvest leaves in the log what has not come to the ring",
  },
  {
    name: "ring-rearms-wrong-half",
    file: "src/hypervisor/techniques/dirtyRing.ts",
    class: "condition",
    from: "const bit = i < 32 ? low & (1 << i) : high & (1 << (i - 32));",
    to: "const bit = i < 32 ? low & (1 << i) : low & (1 << (i - 32));",
    damage: "pages 32 to 63 of a run are armed by the mask of the first half",
  },
];
