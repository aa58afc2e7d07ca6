/** A log of first writes that never stops the guest: when it is full it says so in a bit, and drops (walk.ts has the rule). */
import { hasDropped, slotsOf } from "../filling.ts";
import type { Unit, UnitDeclaration } from "../unit.ts";
import { OVERFLOW_FILLING, overflowLogUnit, SECONDARY_OVERFLOW_LOG } from "./walk.ts";

/** HDBSSBR_EL2.SZ: 512 entries in 4 KiB to 2^18 in 2 MiB (Arm ARM D24.2); what is emulated of any log ends here. */
const ENTRIES_MAX = 1 << 16;

const unit: Unit = {
  get declaration() {
    return overflowLog;
  },
  logs: 1,
  entriesMax: ENTRIES_MAX,
  whyNoMore: "longer logs are not emulated",
  enabling: SECONDARY_OVERFLOW_LOG,
  processorSide: overflowLogUnit,
  ...slotsOf(OVERFLOW_FILLING),
};

export const overflowLog = {
  name: "overflowLog",
  label: "overflow",
  title: "a log of first writes without an exit",
  formats: ["ept"],
  isReal: false,
  finds: "writes",
  mayLose: true,
  whenFull: {
    kind: "drop",
    hasDropped: (vmcs) => hasDropped(vmcs, OVERFLOW_FILLING),
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
