/** Intel page-modification logging (SDM vol. 3C 28.2.6): the processor logs the first write to each page. */
import type { Geometry } from "../../hardware/geometry.ts";
import { Field, writeField } from "../../hardware/vmcs.ts";
import type { Slot, Unit, UnitDeclaration, VmcsWords } from "../unit.ts";
import { PML_FULL, pmlUnit, SECONDARY_PML } from "./walk.ts";

/** One page of 8-byte entries, and a 16-bit index into it (SDM vol. 3C 28.2.5; Xen NR_PML_ENTRIES, KVM PML_ENTITY_NUM). */
export const PML_ENTRIES_MAX = 512;

function indexOf({ words }: VmcsWords): number {
  return (words[2 * Field.logIndex] ?? 0) & 0xffff;
}

const unit: Unit = {
  get declaration() {
    return pml;
  },
  logs: 1,
  entriesMax: PML_ENTRIES_MAX,
  whyNoMore: "PML's log is one page (SDM 28.2.5)",
  enabling: SECONDARY_PML,
  processorSide: pmlUnit,
  /** An index out of range means that all entries are used (Xen ept_vcpu_flush_pml_buffer). */
  usedSlots(vmcs, log, { logEntries }) {
    if (log !== 0) return [0, 0];
    const index = indexOf(vmcs);
    return [index >= logEntries ? 0 : index + 1, logEntries];
  },
  isIndexValid: (vmcs, { logEntries }) => indexOf(vmcs) < logEntries || indexOf(vmcs) === 0xffff,
  nextSlots(vmcs, count) {
    const index = indexOf(vmcs);
    return Array.from({ length: count }, (_, i): Slot => [0, index - i]);
  },
  shownIndex: indexOf,
  empty: (vmcs, { logEntries }: Geometry) => writeField(vmcs, Field.logIndex, logEntries - 1, 0),
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
  entriesMax: PML_ENTRIES_MAX,
  entriesText: "for PML at most 512, as on the real machine",
  section: null,
  machineOptions: {},
  fullExpectation: null,
  configure: () => unit,
} as const satisfies UnitDeclaration;
