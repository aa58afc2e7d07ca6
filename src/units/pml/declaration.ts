/** Intel page-modification logging (SDM vol. 3C 28.2.6): the processor logs the first write to each page. */
import { PAGE_ENTRIES, SHORT_INDEX_SLOTS } from "../shortIndex.ts";
import type { Unit, UnitDeclaration } from "../unit.ts";
import { PML_FULL, pmlUnit, SECONDARY_PML } from "./walk.ts";

const unit: Unit = {
  get declaration() {
    return pml;
  },
  logs: 1,
  entriesMax: PAGE_ENTRIES,
  whyNoMore: "PML's log is one page (SDM 28.2.5)",
  enabling: SECONDARY_PML,
  processorSide: pmlUnit,
  ...SHORT_INDEX_SLOTS,
};

export const pml = {
  name: "pml",
  label: "PML",
  title: "page-modification logging",
  formats: ["ept"],
  isReal: true,
  finds: "writes",
  mayLose: false,
  whenFull: {
    kind: "exit",
    reason: PML_FULL,
    reasonName: "pmlFull",
    full: "pmlIndexOutOfRange",
    emptied: "pmlIndexReset",
  },
  technique: {
    finds: "the first write to each page",
    costs: "an exit 62 for 512 newly written pages",
    model: { pages: 3, logEntries: 2, reads: 1 },
  },
  onSomeVcpus: "pmlOnSomeVcpus",
  costs: {},
  controls: { pml: SECONDARY_PML },
  fields: { pmlAddress: "logAddress", pmlIndex: "logIndex" },
  failures: [
    "pml-not-supported",
    "pml-without-ept",
    "pml-address-unaligned",
    "pml-address-too-wide",
  ],
  messages: {
    // MMU -> PML unit: an event needs the log and the index is out of range.
    pmlIndexOutOfRange: { from: "mmu", to: "logUnit", fields: {}, kind: "log", step: 2 },
    // Tracker -> PML unit: VMWRITE of the index, 511 again.
    pmlIndexReset: {
      from: "tracker",
      to: "logUnit",
      fields: {},
      kind: "log",
      step: 3,
      after: "delay",
    },
  },
  verbs: {},
  whereLonger:
    "longer ones need a unit with an index of its own: technique prl, up to 32768, or 65536 with tracker.prl.variant dw19",
  entriesMax: PAGE_ENTRIES,
  entriesText: "for PML at most 512, as on the real machine",
  section: null,
  machineOptions: {},
  fullExpectation: null,
  configure: () => unit,
} as const satisfies UnitDeclaration;
