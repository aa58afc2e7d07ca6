/**
 * The unit that a scenario designs (`machine.unit`). It has one place in the list of units, whatever the scenario says of it: its
 * design belongs to the plan, so that two runs of one process, with two designs, know nothing of each other. A machine
 * whose scenario says nothing has not got it.
 */
import { declared, type UnitDesign } from "../design.ts";
import { prl } from "../prl/declaration.ts";
import type { Unit, UnitDeclaration } from "../unit.ts";
import { type MachineUnitFields, oneOf, readMachineUnit } from "./section.ts";

/** Secondary control 16, behind those of users' units. */
export const SECONDARY_MACHINE_UNIT = 1 << 16;
const NAME = "machineUnit";
const ENTRIES_MAX = 65_536;

/** No processor has this basic exit reason: it is far behind those of SDM vol. 3C appendix C. */
const MACHINE_UNIT_FULL = 250;
const STOPS = {
  kind: "exit",
  reason: MACHINE_UNIT_FULL,
  reasonName: "machineUnitFull",
  full: "machineUnitFull",
  emptied: "machineUnitEmptied",
} as const;
const FAILURE = "machine-unit-not-supported";

/** Where a scenario says nothing: what Intel PML does. */
const USUAL: MachineUnitFields = {
  name: "own",
  trigger: "dirtyBit",
  direction: "down",
  whenFull: "exit",
  gatesAccessed: true,
};

function designOf(fields: MachineUnitFields): UnitDesign {
  const { name, trigger, sample = "1/1", filter, direction, whenFull } = fields;
  return {
    name: NAME,
    label: name,
    trigger,
    filling: { direction, whenFull, logs: fields.buffers ?? 1 },
    gatesAccessed: fields.gatesAccessed ?? false,
    wanted: {
      skipsStructures: filter?.guestTables !== "log",
      oneOf: oneOf(sample),
      firstPage: filter?.from ?? 0,
      endPage: filter?.below ?? Number.MAX_SAFE_INTEGER,
      asks: null,
    },
    entriesMax: ENTRIES_MAX,
    control: SECONDARY_MACHINE_UNIT,
  };
}

const { handlerCost, entryCost } = prl.whenFull;

function unitOf(fields: MachineUnitFields): Unit {
  const designed = declared(designOf(fields), {
    stops: STOPS,
    // A handler on a pVM CPU does as much for it as for PRL (docs/costs.md).
    interrupts: { full: "machineUnitFilled", handlerCost, entryCost },
    costs: "as machine.unit says",
    failure: FAILURE,
  });
  return designed.configure(undefined);
}

export const machineUnit = {
  name: NAME,
  label: "own",
  title: "the unit of a scenario",
  formats: ["ept"],
  isReal: false,
  finds: "writes",
  mayLose: true,
  whenFull: STOPS,
  technique: {
    finds: "as machine.unit says: first writes, or TLB misses",
    costs: "as machine.unit says",
    model: { pages: 3, logEntries: 2, reads: 1 },
  },
  onSomeVcpus: null,
  costs: {},
  controls: { machineUnit: SECONDARY_MACHINE_UNIT },
  fields: {
    machineUnitAddress: "logAddress",
    machineUnitIndex: "logIndex",
    machineUnitActiveLog: "activeLog",
    machineUnitFullLogs: "fullLogs",
  },
  failures: [FAILURE],
  messages: {
    // MMU -> unit: an event needs the log, which is full.
    machineUnitFull: { from: "mmu", to: "logUnit", fields: {}, kind: "log", step: 2 },
    // MMU -> unit: the log became full; the guest runs on.
    machineUnitFilled: { from: "mmu", to: "logUnit", fields: {}, kind: "log", step: 2 },
    // Tracker -> unit: the log is empty.
    machineUnitEmptied: {
      from: "tracker",
      to: "logUnit",
      fields: {},
      kind: "log",
      step: 3,
      after: "delay",
    },
  },
  alsoFull: ["machineUnitFilled"],
  verbs: {},
  whereLonger: null,
  entriesMax: ENTRIES_MAX,
  entriesText: "for machine.unit 65536",
  section: null,
  machineOptions: {},
  fullExpectation: null,
  configure(fields) {
    if (fields === undefined) return { ...unitOf(USUAL), absent: true };
    return unitOf(readMachineUnit.parse(fields));
  },
} as const satisfies UnitDeclaration;
