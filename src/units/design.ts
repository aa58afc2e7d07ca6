/**
 * A page-logging unit that is nobody's yet, as data: what triggers it, what it leaves out, how its log is filled, and what a
 * full log does. Units of users' programs (own.ts) and of scenarios (machineUnit) are such designs, and this is what
 * they say of themselves. A design is compiled to words before a run: the walk asks it as it asks any other unit.
 */
import type { LogUnit } from "../hardware/mmu.ts";
import { Field } from "../hardware/vmcs.ts";
import {
  type Filling,
  firstIndex,
  hasDropped,
  MissLog,
  slotsOf,
  transitionLog,
  type Wanted,
} from "./filling.ts";
import { reloadLogs, resetInMemory } from "./suspended.ts";
import type {
  Drops,
  InterruptsCpu,
  StopsGuest,
  Unit,
  UnitDeclaration,
  UnitTechnique,
} from "./unit.ts";

/** Entries that its log may have at most: what is emulated of any log ends here. */
export const DESIGN_ENTRIES_MAX = 65_536;

export interface UnitDesign {
  readonly name: string;
  readonly label: string;
  /** dirtyBit: a walk sets D in a leaf; tlbMiss: a walk gives a page. */
  readonly trigger: "dirtyBit" | "tlbMiss";
  readonly filling: Filling;
  /** Of one that stops the guest: whether a walk that sets A alone is stopped, too. */
  readonly gatesAccessed: boolean;
  /** Of misses. */
  readonly wanted: Wanted;
  readonly entriesMax: number;
  /** The secondary control that turns it on. */
  readonly control: number;
}

/** What of a declaration a design does not decide: whom it tells, how it is called, what it costs. */
export interface DesignSurroundings {
  readonly stops: StopsGuest | null;
  readonly interrupts: Pick<InterruptsCpu, "full" | "handlerCost" | "entryCost"> | null;
  readonly costs: string;
  /** What VM entry finds wrong if the processor has not got it. */
  readonly failure: string | null;
}

/** Which writes it knows, or which misses. */
export const ALL_MISSES: Wanted = {
  skipsStructures: true,
  oneOf: 1,
  firstPage: 0,
  endPage: Number.MAX_SAFE_INTEGER,
  asks: null,
};

const INDEX_BITS = 17;

function processorSide(
  { name, control, trigger, filling, wanted, gatesAccessed }: UnitDesign,
  { stops, failure }: DesignSurroundings,
): (isThere: boolean) => LogUnit {
  const exit = stops === null ? null : { reason: stops.reason, gatesAccessed };
  const log = trigger === "dirtyBit" ? transitionLog(filling, exit) : new MissLog(filling, wanted);
  return (isThere) => ({
    name,
    controls: control,
    selectedBy: control,
    needsFlags: true,
    index: { bits: INDEX_BITS, signed: filling.direction === "down" },
    log,
    failure: () => (isThere ? null : failure),
  });
}

function whenFullOf(
  { filling, trigger }: UnitDesign,
  { stops, interrupts }: DesignSurroundings,
): StopsGuest | InterruptsCpu | Drops {
  if (filling.whenFull === "exit" && stops !== null) return stops;
  const dropped: Drops["hasDropped"] = (vmcs) => hasDropped(vmcs, filling);
  if (filling.whenFull === "interrupt" && interrupts !== null) {
    return {
      kind: "interrupt",
      ...interrupts,
      fullLogs: ({ image }) => (image[2 * Field.fullLogs] ?? 0) & BOTH_LOGS,
      emptyInMemory: (vmcs, logs, { logEntries }) =>
        resetInMemory(vmcs, logs, firstIndex(filling, logEntries)),
      reload: reloadLogs,
      ...(trigger === "dirtyBit" ? { hasDropped: dropped } : {}),
    };
  }
  if (filling.whenFull === "drop") return { kind: "drop", hasDropped: dropped };
  throw new Error(
    `nobody is to be told of a full log of the unit, which is to ${filling.whenFull}`,
  );
}

const BOTH_LOGS = 3;

function techniqueOf({ trigger }: UnitDesign, { costs }: DesignSurroundings): UnitTechnique {
  return {
    finds: trigger === "dirtyBit" ? "the first write to each page" : "TLB misses, with counts",
    costs,
    model: { pages: 2, logEntries: 1, reads: 1 },
  };
}

/** What a design says of itself, in every way. */
export function declared(design: UnitDesign, surroundings: DesignSurroundings): UnitDeclaration {
  const { name, label, trigger, filling, entriesMax } = design;
  const side = processorSide(design, surroundings);
  const unit: Unit = {
    get declaration() {
      return declaration;
    },
    logs: filling.logs,
    entriesMax,
    whyNoMore:
      entriesMax < DESIGN_ENTRIES_MAX
        ? `the unit ${label} says so`
        : "longer logs are not emulated",
    enabling: design.control,
    processorSide: side,
    ...slotsOf(filling),
  };
  const isWrites = trigger === "dirtyBit";
  const declaration: UnitDeclaration = {
    name,
    label,
    title: `the unit ${label}`,
    formats: ["ept"],
    isReal: false,
    finds: isWrites ? "writes" : "accesses",
    mayLose: !(isWrites && filling.whenFull === "exit"),
    whenFull: whenFullOf(design, surroundings),
    technique: techniqueOf(design, surroundings),
    onSomeVcpus: null,
    costs: {},
    controls: {},
    fields: {},
    failures: [],
    messages: {},
    verbs: {},
    whereLonger: null,
    entriesMax,
    entriesText: `for ${label} at most ${entriesMax}`,
    section: null,
    machineOptions: {},
    fullExpectation: null,
    configure: () => unit,
  };
  return declaration;
}
