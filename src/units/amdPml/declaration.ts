/** AMD's page-modification logging (APM vol. 2 15.25.15), on nested page tables: the processor logs the first write to each page. */
import { PAGE_ENTRIES, SHORT_INDEX_SLOTS } from "../shortIndex.ts";
import type { Unit, UnitDeclaration } from "../unit.ts";
import { AMD_PML_FULL, amdPmlUnit, SECONDARY_AMD_PML } from "./walk.ts";

const unit: Unit = {
  get declaration() {
    return amdPml;
  },
  logs: 1,
  entriesMax: PAGE_ENTRIES,
  whyNoMore: "the log of AMD's PML is one page (APM vol. 2 15.25.15)",
  enabling: SECONDARY_AMD_PML,
  processorSide: amdPmlUnit,
  ...SHORT_INDEX_SLOTS,
};

export const amdPml = {
  name: "amdPml",
  label: "AMD PML",
  title: "AMD's page-modification logging",
  formats: ["npt"],
  isReal: true,
  finds: "writes",
  mayLose: false,
  whenFull: {
    kind: "exit",
    reason: AMD_PML_FULL,
    reasonName: "amdPmlFull",
    full: "amdPmlIndexOutOfRange",
    emptied: "amdPmlIndexReset",
  },
  technique: {
    finds: "the first write to each page, on AMD's nested page tables",
    costs: "an exit 0x407 for 512 newly written pages",
    model: { pages: 3, logEntries: 2, reads: 1 },
  },
  onSomeVcpus: null,
  costs: {},
  controls: { amdPml: SECONDARY_AMD_PML },
  fields: { amdPmlBase: "logAddress", amdPmlIndex: "logIndex" },
  failures: ["amd-pml-not-supported"],
  messages: {
    // MMU -> AMD PML unit: a write needs the log and the index is out of range.
    amdPmlIndexOutOfRange: { from: "mmu", to: "logUnit", fields: {}, kind: "log", step: 2 },
    // Tracker -> AMD PML unit: PML_INDEX is 1FFh again.
    amdPmlIndexReset: {
      from: "tracker",
      to: "logUnit",
      fields: {},
      kind: "log",
      step: 3,
      after: "delay",
    },
  },
  verbs: {},
  whereLonger: null,
  entriesMax: PAGE_ENTRIES,
  entriesText: "for AMD PML 512",
  section: null,
  machineOptions: {},
  fullExpectation: null,
  configure: () => unit,
} as const satisfies UnitDeclaration;
