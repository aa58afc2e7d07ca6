/** A log of first writes that never stops the guest: when it is full it says so in a bit, and drops (walk.ts has the rule). */
import type { Geometry } from "../../hardware/geometry.ts";
import { Field, writeField } from "../../hardware/vmcs.ts";
import type { Slot, Unit, UnitDeclaration, VmcsWords } from "../unit.ts";
import { OVERFLOWED, overflowLogUnit, SECONDARY_OVERFLOW_LOG } from "./walk.ts";

/** HDBSSBR_EL2.SZ: 512 entries in 4 KiB to 2^18 in 2 MiB (Arm ARM D24.2); what is emulated of any log ends here. */
const ENTRIES_MAX = 1 << 16;

function word({ words }: VmcsWords, field: number): number {
  return words[2 * field] ?? 0;
}

const unit: Unit = {
  get declaration() {
    return overflowLog;
  },
  logs: 1,
  entriesMax: ENTRIES_MAX,
  whyNoMore: "longer logs are not emulated",
  enabling: SECONDARY_OVERFLOW_LOG,
  processorSide: overflowLogUnit,
  usedSlots: (vmcs, log, { logEntries }) =>
    log === 0 ? [0, Math.min(word(vmcs, Field.logIndex), logEntries)] : [0, 0],
  isIndexValid: (vmcs, { logEntries }) => word(vmcs, Field.logIndex) <= logEntries,
  nextSlots(vmcs, count) {
    const index = word(vmcs, Field.logIndex);
    return Array.from({ length: count }, (_, i): Slot => [0, index + i]);
  },
  shownIndex: (vmcs) => word(vmcs, Field.logIndex),
  empty(vmcs, _geometry: Geometry) {
    writeField(vmcs, Field.logIndex, 0);
    writeField(vmcs, Field.fullLogs, 0);
  },
};

export const overflowLog = {
  name: "overflowLog",
  label: "overflow",
  title: "a log of first writes without an exit",
  isReal: false,
  finds: "writes",
  mayLose: true,
  whenFull: {
    kind: "drop",
    hasDropped: (vmcs) => (word(vmcs, Field.fullLogs) & OVERFLOWED) !== 0,
  },
  technique: {
    finds: "the first write to each page",
    costs: "nothing; a log that overflowed costs the pVM a scan of D flags",
    model: { pages: 3, logEntries: 1, reads: 1 },
  },
  onSomeVcpus: null,
  costs: {},
  controls: { overflowLog: SECONDARY_OVERFLOW_LOG },
  fields: {
    overflowLogAddress: "logAddress",
    overflowLogIndex: "logIndex",
    overflowLogOverflowed: "fullLogs",
  },
  failures: [
    "overflow-log-not-supported",
    "overflow-log-without-ept",
    "overflow-log-with-pml",
    "overflow-log-address-unaligned",
    "overflow-log-address-too-wide",
  ],
  messages: {},
  verbs: {},
  whereLonger: null,
  entriesMax: ENTRIES_MAX,
  entriesText: "for the overflow log 65536",
  section: null,
  machineOptions: {},
  fullExpectation: null,
  configure: () => unit,
} as const satisfies UnitDeclaration;
