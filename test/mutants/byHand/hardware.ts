/** Mistakes in the rules of the processor: walks, logs, flags. */
import type { HandMade } from "../mutant.ts";

export const hardware: readonly HandMade[] = [
  {
    name: "walk-permissions-of-leaf-only",
    file: "src/hardware/secondStageWalk.ts",
    class: "bits",
    from: `    allLow &= low;
    someHigh |= high;`,
    to: `    allLow = low;
    someHigh |= high;`,
    damage: "the rights of upper EPT entries are ignored",
  },
  {
    name: "walk-accessed-of-leaf-only",
    file: "src/hardware/secondStageWalk.ts",
    class: "bits",
    from: "const allAccessed = (allLow & mmu.accessedMask) !== 0;",
    to: "const allAccessed = (low & mmu.accessedMask) !== 0;",
    damage: "A of upper entries stays clear if the leaf has it",
  },
  {
    name: "walk-structure-is-read",
    file: "src/hardware/secondStageWalk.ts",
    class: "condition",
    from: "const asWrite = (access & WRITE) !== 0 || isStructureWrite(mmu, access);",
    to: "const asWrite = (access & WRITE) !== 0;",
    damage: "an access to a guest page table counts as a read with A/D flags on",
  },
  {
    name: "walk-violation-before-misconfiguration",
    file: "src/hardware/secondStageWalk.ts",
    class: "actions swapped",
    from: `  if ((granted & needed) !== needed) {
    const isFlag`,
    to: `  if (granted !== granted) {
    const isFlag`,
    damage: "rights are not checked in the full walk",
  },
  {
    name: "walk-dirty-right-cached",
    file: "src/hardware/secondStageWalk.ts",
    class: "statement removed",
    from: `    if (!asWrite && (low & mmu.dirtyMask) === 0) granted &= ~WRITE;
`,
    to: "",
    damage: "a mapping that is cached while D is clear may be written later",
  },
  {
    name: "walk-large-offset-lost",
    file: "src/hardware/secondStageWalk.ts",
    class: "bits",
    from: `& ~offsetMask) | (page & offsetMask);
  return Outcome.done;
}

/** What the entries`,
    to: `& ~offsetMask);
  return Outcome.done;
}

/** What the entries`,
    damage: "every page of a large leaf is its first frame",
  },
  {
    name: "flags-log-after-set",
    file: "src/hardware/secondStageWalk.ts",
    class: "condition",
    from: `if ((setDirty || gatesAccessed) && log.isFull(mmu)) {`,
    to: `if (setDirty && log.isFull(mmu)) {`,
    damage: "an A flag is set though the log is full",
  },
  {
    name: "flags-accessed-in-leaf-only",
    file: "src/hardware/secondStageWalk.ts",
    class: "boundary",
    from: `for (let level = highest; level >= lowestLevel; level--) {
    const entry`,
    to: `for (let level = highest; level > lowestLevel; level--) {
    const entry`,
    damage: "A of the lowest entry is not set",
  },
  {
    name: "qualification-no-final-bit",
    file: "src/hardware/secondStageWalk.ts",
    class: "condition",
    from: "if (!isStructure) low |= finalTranslationBits(mmu, fault);",
    to: "if (isStructure) low |= finalTranslationBits(mmu, fault);",
    damage: "bit 8 of a violation's qualification is the wrong way round",
  },
  {
    name: "qualification-rights-of-leaf",
    file: "src/hardware/secondStageWalk.ts",
    class: "bits",
    from: "return ((granted & RWX) << shift) |",
    to: "return ((granted & RWX) << (shift + 1)) |",
    damage: "the rights in a violation's qualification are one bit off",
  },
  {
    name: "violation-page-offset-lost",
    file: "src/hardware/secondStageWalk.ts",
    class: "bits",
    from: "pageAddressLow(page) | mmu.offset, page >>> 20);",
    to: "pageAddressLow(page), page >>> 20);",
    damage: "a violation reports the first byte of its page",
  },
  {
    name: "plain-ignores-accessed",
    file: "src/hardware/mmu.ts",
    class: "bits",
    from: "mmu.plainPageMask = plainPage.mask | flag;",
    to: "mmu.plainPageMask = plainPage.mask;",
    damage: "the fast walk passes leaves whose A is clear",
  },
  {
    name: "plain-ignores-table-accessed",
    file: "src/hardware/mmu.ts",
    class: "bits",
    from: "mmu.plainTableMask = plainTable.mask | tableFlag;",
    to: "mmu.plainTableMask = plainTable.mask;",
    damage: "the fast walk passes tables whose A is clear",
  },
  {
    name: "pml-without-ad",
    file: "src/hardware/mmu.ts",
    class: "condition",
    from: `if (!mmu.eptEnabled || (unit.needsFlags && !mmu.accessedDirty)) continue;`,
    to: `if (!mmu.eptEnabled) continue;`,
    damage: "PML logs although A/D flags are off",
  },
  {
    name: "entry-keeps-tlb-without-vpid",
    file: "src/hardware/mmu.ts",
    class: "statement removed",
    from: `  deriveControls(mmu, vmcs, guest, counters);
  if (!mmu.vpidEnabled) flushVpid(mmu.tlb, 0);`,
    to: "  deriveControls(mmu, vmcs, guest, counters);",
    damage: "without VPIDs the translations of the guest before survive a VM entry",
  },
  {
    name: "plain-first-write-under-svade",
    file: "src/hardware/secondStageWalk.ts",
    class: "condition",
    from: "if (!mmu.accessedDirty || mmu.dirtyLog?.isFull(mmu) === true) return false;",
    to: "if (mmu.dirtyLog?.isFull(mmu) === true) return false;",
    damage: "the fast walk sets a D that is software's",
  },
  {
    name: "plain-first-write-of-full-log",
    file: "src/hardware/secondStageWalk.ts",
    class: "condition",
    from: "if (!mmu.accessedDirty || mmu.dirtyLog?.isFull(mmu) === true) return false;",
    to: "if (!mmu.accessedDirty) return false;",
    damage: "the fast walk writes into a full log",
  },
  {
    name: "plain-region-collision",
    file: "src/hardware/secondStageWalk.ts",
    class: "condition",
    from: "if (regions[slot] !== region) return findPlainLeaf(mmu, page);",
    to: "if (regions[slot] === -1) return findPlainLeaf(mmu, page);",
    damage: "the leaves of one region are taken for those of another that shares its slot",
  },
  {
    name: "pml-index-16-bits",
    file: "src/units/shortIndex.ts",
    class: "bits",
    from: "writeField(mmu.vmcs, Field.logIndex, (index - 1) & 0xffff, 0);",
    to: "writeField(mmu.vmcs, Field.logIndex, index - 1);",
    damage: "the index goes to -1 in all 64 bits",
  },
  {
    name: "pml-full-at-zero",
    file: "src/units/shortIndex.ts",
    class: "boundary",
    from: "return (readField(mmu.vmcs, Field.logIndex) & 0xffff) >= mmu.geometry.logEntries;",
    to: "return ((readField(mmu.vmcs, Field.logIndex) - 1) & 0xffff) >= mmu.geometry.logEntries;",
    damage: "the last entry of a log is never used",
  },
  {
    name: "pml-entry-high-word",
    file: "src/hardware/logStore.ts",
    class: "bits",
    from: "pageAddressLow(page), pageAddressHigh(page));",
    to: "pageAddressLow(page), 0);",
    damage: "a log entry has no bits above 31",
  },
  {
    name: "prl-filter-inverted",
    file: "src/units/prl/walk.ts",
    class: "condition",
    from: `return (secondary & SECONDARY_PRL_FILTER) !== 0 || this.#options.variant`,
    to: `return (secondary & SECONDARY_PRL_FILTER) === 0 || this.#options.variant`,
    damage: "PRL's filter lets the guest's tables pass and keeps them when it is off",
  },
  {
    name: "prl-missed-not-counted",
    file: "src/units/prl/walk.ts",
    class: "statement removed",
    from: "  count(mmu, Counter.missedGpas, 1);\n  const { round }",
    to: "  const { round }",
    damage: "GPAs that a suspended log misses are not counted",
  },
  {
    name: "prl-other-log-full-too",
    file: "src/units/suspended.ts",
    class: "condition",
    from: `if (doubleBuffer && (fullLogs & (1 << other)) === 0) {`,
    to: `if (doubleBuffer) {`,
    damage: "logging goes on in a second log that is full",
  },
  {
    name: "prl-image-forgets-other",
    file: "src/units/suspended.ts",
    class: "bits",
    from: "writeImage(vmcs, Field.fullLogs, vmcs.image[2 * Field.fullLogs]! | (1 << active));",
    to: "writeImage(vmcs, Field.fullLogs, 1 << active);",
    damage: "when one log fills memory forgets that the other is full",
  },
  {
    name: "prl-reset-always-first-log",
    file: "src/units/suspended.ts",
    class: "condition",
    from: "writeImage(vmcs, Field.activeLog, (drainedLogs & 1) !== 0 ? 0 : 1);",
    to: "writeImage(vmcs, Field.activeLog, 0);",
    damage: "a suspended processor always goes on in the first log",
  },
  {
    name: "prl-reload-takes-old-index",
    file: "src/units/suspended.ts",
    class: "early return removed",
    from: `  if (readField(vmcs, Field.logIndex) >= 0) return;
`,
    to: "",
    damage: "a reload puts the index of a log that is being filled back",
  },
  {
    name: "entry-pml-alignment",
    file: "src/units/pml/walk.ts",
    class: "constant",
    from: "(readField(vmcs, Field.logAddress) & 0xfff) !== 0",
    to: "(readField(vmcs, Field.logAddress) & 0x7ff) !== 0",
    damage: "a PML address with bit 11 set passes the entry check",
  },
  {
    name: "entry-pml-needs-no-ept",
    file: "src/units/pml/walk.ts",
    class: "early return removed",
    from: `  if ((secondaryControls(vmcs) & SECONDARY_EPT) === 0) return "pml-without-ept";
`,
    to: "",
    damage: "PML without EPT passes the entry check",
  },
  {
    name: "entry-reserved-bits",
    file: "src/hardware/formats/ept.ts",
    class: "constant",
    from: "capabilities.supervisorShadowStack ? 0xf00 : 0xf80",
    to: "capabilities.supervisorShadowStack ? 0xf00 : 0xf00",
    damage: "bit 7 of the EPT pointer is never reserved",
  },
  {
    name: "entry-vpid-zero",
    file: "src/hardware/controlChecks.ts",
    class: "bits",
    from: "(readField(vmcs, Field.vpid) & 0xffff) === 0",
    to: "readField(vmcs, Field.vpid) === 0",
    damage: "a VPID whose low 16 bits are 0 passes the entry check",
  },
  {
    name: "event-gate-unread",
    file: "src/hardware/events.ts",
    class: "condition",
    from: "if (event.gate !== null) {",
    to: "if (event.gate === null) {",
    damage: "the gate of an event is not read",
  },
  {
    name: "event-rf-kept",
    file: "src/hardware/events.ts",
    class: "statement removed",
    from: `    writeResumeFlag(vmcs, false);
    endShadow(vmcs);
    return outcome;`,
    to: `    endShadow(vmcs);
    return outcome;`,
    damage: "a handler begins with RF set",
  },
  {
    name: "iret-unblocks-always",
    file: "src/hardware/events.ts",
    class: "condition",
    from: "if (unblocks) setNmiBlocking(vmcs, false);",
    to: "setNmiBlocking(vmcs, false);",
    damage: "IRET ends blocking by NMI where it must not",
  },
  {
    name: "exit-vectoring-kept",
    file: "src/hardware/exit.ts",
    class: "condition",
    from: "if (nmiUnblockedByIret && defined && !delivering) {",
    to: "if (nmiUnblockedByIret && defined) {",
    damage: "bit 12 of a qualification is set during event delivery",
  },
  {
    name: "guest-flags-upper-dirty",
    file: "src/hardware/guestWalk.ts",
    class: "condition",
    from: "(write && level === leafLevel ? GUEST_DIRTY : 0)",
    to: "(write ? GUEST_DIRTY : 0)",
    damage: "a write sets D in every entry of the guest's walk",
  },
  {
    name: "guest-write-protect",
    file: "src/hardware/guestWalk.ts",
    class: "condition",
    from: "(!mmu.user && !mmu.writeProtect)",
    to: "!mmu.user",
    damage: "CR0.WP does nothing",
  },
  {
    name: "guest-structure-write-unchecked",
    file: "src/hardware/guestWalk.ts",
    class: "condition",
    from: "if (!mmu.structureWrites && mmu.compatibility !== Compatibility.bochs) {",
    to: "if (mmu.compatibility === Compatibility.kvm) {",
    damage: "the guest's own A and D are written through EPT entries that forbid it",
  },
  {
    name: "guest-cr3-before-pdptes",
    file: "src/hardware/guestWalk.ts",
    class: "early return removed",
    from: `    const outcome = loadPdptes(mmu, low);
    if (outcome !== Outcome.done) return outcome;
`,
    to: `    loadPdptes(mmu, low);
`,
    damage: "CR3 changes though its PDPTEs could not be loaded",
  },
];
