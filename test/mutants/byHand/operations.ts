/** Mistakes in the operations and devices of src/system. */
import type { HandMade } from "../mutant.ts";

export const operations: readonly HandMade[] = [
  {
    name: "tracker-peek-rearms",
    file: "src/system/trackerDevice.ts",
    class: "condition",
    from: `if (mode === "peek") return`,
    to: `if (mode === "clean") return`,
    damage: "a PEEK clears and a CLEAN does not",
  },
  {
    name: "tracker-report-before-collect",
    file: "src/system/trackerDevice.ts",
    class: "actions swapped",
    from: `    const collected = this.#collect(technique);
    const cycles = collected + technique.rearm(tracked, pages);
    this.#handOver(technique);`,
    to: `    this.#handOver(technique);
    const collected = this.#collect(technique);
    const cycles = collected + technique.rearm(tracked, pages);`,
    damage: "a harvest counts before it has drained the logs",
  },
  {
    name: "tracker-dirty-not-cleared",
    file: "src/system/trackerDevice.ts",
    class: "statement removed",
    from: `    markDirty(to, page);
    clearMark(source, page);`,
    to: `    markDirty(to, page);`,
    damage: "a CLEAN leaves the bitmap as it was",
  },
  {
    name: "tracker-handed-over-grows",
    file: "src/system/trackerDevice.ts",
    class: "statement removed",
    from: `    clearMarks(tracked.handedOver);
    if (mode ===`,
    to: "    if (mode ===",
    damage: "each harvest hands over the pages of all before it",
  },
  {
    name: "tracker-rearm-after-clear",
    file: "src/system/trackerDevice.ts",
    class: "actions swapped",
    from: `    const cycles = collected + technique.rearm(tracked, pages);
    this.#handOver(technique);`,
    to: `    this.#handOver(technique);
    const cycles = collected + technique.rearm(tracked, pages);`,
    damage: "the bitmap is cleared before the pages in it are armed again",
  },
  {
    name: "tracker-disarm-keeps-marks",
    file: "src/system/trackerDevice.ts",
    class: "statement removed",
    from: `    cycles += technique.disarm(tracked);
    this.#handOver(technique);`,
    to: `    cycles += technique.disarm(tracked);
    addAll(tracked.dirty, handedOver);
    addAll(tracked.touched, handedOver);`,
    damage: "pages of the round that ended with tracking count in the first one after it",
  },
  {
    name: "tracker-disarm-hands-nothing-over",
    file: "src/system/trackerDevice.ts",
    class: "statement removed",
    from: `    this.#handOver(technique);
    if (!work.endPiece(cycles)) return piece(cycles, unit);`,
    to: "    if (!work.endPiece(cycles)) return piece(cycles, unit);",
    damage:
      "what was logged since the last harvest is drained when tracking ends, and reported to nobody",
  },
  {
    name: "tracker-late-log-full-unserved",
    file: "src/system/trackerDevice.ts",
    class: "condition",
    from: "serveLogFull(tracked, vcpu) ?? late, dispatcher",
    to: "serveLogFull(tracked, vcpu) ?? NOT_OURS, dispatcher",
    damage: "a full log whose exit comes after tracking has ended kills the VM",
  },
  {
    name: "tracker-disarm-forgets-last",
    file: "src/system/trackerDevice.ts",
    class: "statement removed",
    from: `    let cycles = this.#collect(technique);
`,
    to: `    let cycles = 0;
`,
    damage: "what was logged since the last harvest is lost at disarming",
  },
  {
    name: "tracker-still-armed",
    file: "src/system/trackerDevice.ts",
    class: "statement removed",
    from: `    this.#vm.armed.technique = null;
`,
    to: "",
    damage: "after disarming exits are still served by the technique",
  },
  {
    name: "tracker-fallback-not-armed",
    file: "src/system/trackerDevice.ts",
    class: "statement removed",
    from: "      cycles = technique.arm(tracked, null) ?? 0;",
    to: "      cycles = 0;",
    damage: "without log pages nothing is armed in PML's place",
  },
  {
    name: "tracker-read-taken-for-write",
    file: "src/system/trackerDevice.ts",
    class: "bits",
    from: "const write = isWriteFault(format, qualification);",
    to: "const write = (qualification & format.allRights) !== 0;",
    damage: "every violation counts as a write",
  },
  {
    name: "tracker-spurious-kills",
    file: "src/system/trackerDevice.ts",
    class: "condition",
    from: "return served(allowed ? spurious(tracked.costs) : work, dispatcher, -1);",
    to: "return served(work, dispatcher, -1);",
    damage: "a violation whose right has come back meanwhile kills the guest",
  },
  {
    name: "tracker-tables-counted-as-data",
    file: "src/system/trackerDevice.ts",
    class: "boundary",
    from: "if (page >= config.pages) guestPageTables++;",
    to: "if (page > config.pages) guestPageTables++;",
    damage: "the first page of the guest's tables is not counted among them",
  },
  {
    name: "invept-elsewhere",
    file: "src/system/dispatcherDevice.ts",
    class: "other receiver",
    from: "flushEpt(itemAt(mmus, this.#pcpu).tlb,",
    to: "flushEpt(itemAt(mmus, 0).tlb,",
    damage: "INVEPT is always executed on CPU 0",
  },
  {
    name: "mmu-enters-unchecked",
    file: "src/system/mmuDevice.ts",
    class: "early return removed",
    from: `      if (failure !== null) return { type: "entryRefused", failure };
`,
    to: "",
    damage: "VM entry ignores its checks",
  },
  {
    name: "mmu-loaded-not-noted",
    file: "src/system/mmuDevice.ts",
    class: "statement removed",
    from: `      this.#world.loaded.vcpus[this.#pcpu] = vcpu + 1;
`,
    to: "",
    damage: "a restored processor does not know what it had loaded",
  },
  {
    name: "mmu-beyond-horizon",
    file: "src/system/mmuDevice.ts",
    class: "arithmetic",
    from: "Math.min(Math.max(quantum, stream.state[2]!), horizon())",
    to: "Math.max(quantum, stream.state[2]!)",
    damage: "a burst runs past the next message",
  },
  {
    name: "mmu-restarts-block",
    file: "src/system/mmuDevice.ts",
    class: "arithmetic",
    from: "budget - elapsed, gap, left);",
    to: "budget, gap, left);",
    damage: "a burst of several blocks exceeds its budget",
  },
  {
    name: "pvm-handled-not-noted",
    file: "src/system/pvmDevice.ts",
    class: "statement removed",
    from: `      logs.handled[vcpu] = handled | full;
`,
    to: ``,
    damage: "a harvest copies logs that the handler has copied already",
  },
  {
    name: "pvm-resets-harvested-log",
    file: "src/system/pvmDevice.ts",
    class: "bits",
    from: `const ours = logs & (pages.handled[vcpu] ?? 0);`,
    to: `const ours = logs;`,
    damage: "the handler resets a log that a harvest has emptied meanwhile",
  },
  {
    name: "pvm-reload-forgets-handled",
    file: "src/system/pvmDevice.ts",
    class: "bits",
    from: `logs.handled[vcpu] = (logs.handled[vcpu] ?? 0) & readField(vmcs, Field.fullLogs);`,
    to: `logs.handled[vcpu] = 0;`,
    damage: "a reload forgets that another log is still being handled",
  },
  {
    name: "batch-without-content",
    file: "src/system/operations/migration/device.ts",
    class: "statement removed",
    from: `      copyPage(this.#vm, this.#destination, page);
`,
    to: `      if (page < 0) copyPage(this.#vm, this.#destination, page);
`,
    damage: "pages are taken from the queue and not sent",
  },
  {
    name: "second-migration-to-old-host",
    file: "src/system/operations/migration/device.ts",
    class: "statement removed",
    from: `        emptyDestination(this.#destination);
`,
    to: "",
    damage: "a second migration finds the pages of the first at the destination",
  },
  {
    name: "batch-bytes",
    file: "src/hypervisor/migration/stats.ts",
    class: "arithmetic",
    from: "RECORD_BYTES + pages * (PAGE_NUMBER_BYTES + PAGE_BYTES)",
    to: "pages * (PAGE_NUMBER_BYTES + PAGE_BYTES)",
    damage: "a batch has no record header",
  },
  {
    name: "staging-skips-tables",
    file: "src/system/operations/checkpoint/staging.ts",
    class: "condition",
    from: "if (page < image.layout.pages || tableOffset(image, page) >= 0) copy(page);",
    to: "if (page < image.layout.pages) copy(page);",
    damage: "checkpoints leave out the guest's page tables",
  },
  {
    name: "staging-wrong-table",
    file: "src/system/operations/checkpoint/staging.ts",
    class: "arithmetic",
    from: "image.tables.set(words.subarray(at, at + image.tableWords), offset);",
    to: "image.tables.set(words.subarray(at, at + image.tableWords), 0);",
    damage: "every page table goes into the place of the first",
  },
  {
    name: "commit-releases-early",
    file: "src/system/operations/checkpoint/device.ts",
    class: "statement removed",
    from: `    this.book.noteAcknowledged(now);
    this.book.releaseOutput(now);`,
    to: "    this.book.noteAcknowledged(now);",
    damage: "output is held for ever",
  },
  {
    name: "blocks-next-not-reset",
    file: "src/system/operations/checkpoint/pageBlocks.ts",
    class: "statement removed",
    from: `    this.#entries = 0;
    this.#next = 0;`,
    to: "    this.#entries = 0;",
    damage: "the second block of a checkpoint begins where the first ended",
  },
  {
    name: "words-zero-written",
    file: "src/system/operations/checkpoint/pageBlocks.ts",
    class: "statement removed",
    from: `  tables?.fill(0, offset, offset + tableWords);
`,
    to: "",
    damage: "words of a page table that have become 0 keep their old value in an image",
  },
  {
    name: "estimator-window-from-boot",
    file: "src/system/operations/estimate/device.ts",
    class: "arithmetic",
    from: "time: this.#host.now() - numberAt(this.#memory.times, 0),",
    to: "time: this.#host.now(),",
    damage: "an estimation's times count from the start of the run",
  },
  {
    name: "estimator-own-time",
    file: "src/system/operations/estimate/device.ts",
    class: "condition",
    from: "if (isInOwnTime && missing > TOLERANCE * intervalCycles) {",
    to: "if (isInOwnTime && missing > 2 * intervalCycles) {",
    damage: "a sampling period ends though the VM has not run for as long",
  },
  {
    name: "balloon-below-its-limit",
    file: "src/system/operations/overcommit/device.ts",
    class: "arithmetic",
    from: "this.#paging.setTarget(vm, pages, Math.max(pages, this.#least));",
    to: "this.#paging.setTarget(vm, pages, pages);",
    damage: "a balloon takes more than its limit",
  },
  {
    name: "balloon-answered-too-early",
    file: "src/system/operations/overcommit/device.ts",
    class: "condition",
    from: "if (due < 0 || due > freed) return;",
    to: "if (due < 0) return;",
    damage: "a balloon is answered before the frames it gave are free",
  },
];
