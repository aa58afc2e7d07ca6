/** Arm's FEAT_HDBSS (Arm ARM D8.5.2.3), on stage 2: a PE logs each page, or block, that becomes dirty. */
import { Field, writeField } from "../../hardware/vmcs.ts";
import type { Slot, Unit, UnitDeclaration, VmcsWords } from "../unit.ts";
import { HACDBS_REGISTERS, HDBSS_VERBS } from "./steps.ts";
import { entriesOf, HDBSS_FULL, hdbssUnit, INDEX, SECONDARY_HDBSS, SIZE_MAX } from "./walk.ts";

/** 2 MiB of entries. */
const ENTRIES_MAX = 512 * 2 ** SIZE_MAX;

function wordOf({ words }: VmcsWords, field: number): number {
  return words[2 * field] ?? 0;
}

function indexOf(vmcs: VmcsWords): number {
  return wordOf(vmcs, Field.logIndex) & INDEX;
}

const unit: Unit = {
  get declaration() {
    return hdbss;
  },
  logs: 1,
  entriesMax: ENTRIES_MAX,
  whyNoMore: "HDBSSBR_EL2.SZ goes up to 2 MiB (Arm ARM D24.2)",
  enabling: SECONDARY_HDBSS,
  processorSide: hdbssUnit,
  usedSlots(vmcs, log, geometry) {
    if (log !== 0) return [0, 0];
    return [0, Math.min(indexOf(vmcs), entriesOf(wordOf(vmcs, Field.logAddress), geometry))];
  },
  isIndexValid: (vmcs, geometry) =>
    wordOf(vmcs, Field.logIndex) >>> 0 <= entriesOf(wordOf(vmcs, Field.logAddress), geometry),
  nextSlots(vmcs, count) {
    const index = indexOf(vmcs);
    return Array.from({ length: count }, (_, i): Slot => [0, index + i]);
  },
  shownIndex: indexOf,
  empty: (vmcs) => writeField(vmcs, Field.logIndex, 0, 0),
};

export const hdbss = {
  name: "hdbss",
  label: "HDBSS",
  title: "Arm's hardware dirty state tracking structure",
  formats: ["stage2"],
  isReal: true,
  finds: "writes",
  mayLose: false,
  whenFull: {
    kind: "exit",
    reason: HDBSS_FULL,
    reasonName: "hdbssFull",
    full: "hdbssIndexOutOfRange",
    emptied: "hdbssIndexReset",
    isFault: true,
  },
  technique: {
    finds: "the first write to each page, on Arm's stage 2",
    costs: "an abort for as many newly written pages as the log has entries",
    model: { pages: 3, logEntries: 2, reads: 1 },
  },
  onSomeVcpus: null,
  costs: {},
  controls: { hdbss: SECONDARY_HDBSS },
  fields: { hdbssBase: "logAddress", hdbssProduced: "logIndex" },
  failures: ["hdbss-not-supported"],
  messages: {
    // MMU -> HDBSS unit: a page is to become dirty, and no entry can be stored.
    hdbssIndexOutOfRange: { from: "mmu", to: "logUnit", fields: {}, kind: "log", step: 2 },
    // Tracker -> HDBSS unit: HDBSSPROD_EL2 is 0 again.
    hdbssIndexReset: {
      from: "tracker",
      to: "logUnit",
      fields: {},
      kind: "log",
      step: 3,
      after: "delay",
    },
  },
  verbs: HDBSS_VERBS,
  registers: HACDBS_REGISTERS,
  whereLonger: null,
  entriesMax: ENTRIES_MAX,
  entriesText: "for HDBSS 262144",
  section: null,
  machineOptions: {},
  fullExpectation: null,
  configure: () => unit,
} as const satisfies UnitDeclaration;
