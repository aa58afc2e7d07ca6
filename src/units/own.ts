/**
 * Page-logging units of users: what such a unit would log, as a program says. Its log is filled upwards; when it is full, an
 * access completes and is not logged, and a bit says so, as of src/units/overflowLog.
 */
import { excerpt } from "../config/fieldPath.ts";
import { UserError } from "../errors.ts";
import { Counter } from "../hardware/counters.ts";
import type { LogUnit, Mmu, WalkLog } from "../hardware/mmu.ts";
import { notePage } from "../hardware/roundTruth.ts";
import type { Unit, UnitDeclaration } from "./unit.ts";
import {
  dropsUpwards,
  emptyUpwards,
  hasDropped,
  logUpwards,
  upwardSlots,
  writesUpwards,
} from "./upwards.ts";

/** A page-logging unit that is not built in. */
export interface OwnUnit {
  /** Its name in scenarios: `tracker.technique` of this name uses it. */
  readonly name: string;
  /** What it logs: `written`, the first write to each page; `touched`, the page of each TLB miss. */
  readonly finds: "written" | "touched";
  /** Entries that a log of it may have, from 1 to 65536. Default: 65536. */
  readonly entriesMax?: number;
  /**
   * Of `touched`: whether the page of a miss is logged; `misses` says how many of the vCPU came before. It answers the same
   * whenever it is asked the same. Default: all are.
   */
  readonly logs?: (page: number, misses: number) => boolean;
}

/** Secondary controls 8 to 16, which no unit of the program has: as many users' units there may be. */
const FIRST_CONTROL = 8;
const CONTROLS = 9;
export const OWN_CONTROLS = ((1 << CONTROLS) - 1) << FIRST_CONTROL;

const ENTRIES_MAX = 65_536;

/** @param before units of users that there are already; @throws UserError if it is no unit */
export function ownUnit(own: OwnUnit, before: number): UnitDeclaration {
  const { name, finds, entriesMax = ENTRIES_MAX, logs } = own;
  const refuse = (what: string): never => {
    throw new UserError(`unit "${excerpt(String(name))}": ${what}`);
  };
  if (typeof name !== "string" || !/^[A-Za-z][\w-]{0,39}$/.test(name)) {
    refuse("expected letters, digits, - and _");
  }
  if (finds !== "written" && finds !== "touched") refuse("finds: expected written or touched");
  if (!Number.isInteger(entriesMax) || entriesMax < 1 || entriesMax > ENTRIES_MAX) {
    refuse(`entriesMax: expected a whole number from 1 to ${ENTRIES_MAX}`);
  }
  if (logs !== undefined && typeof logs !== "function") refuse("logs: expected a function");
  if (logs !== undefined && finds === "written") {
    refuse("logs: goes with finds touched; a write that is not logged would be lost");
  }
  const unknown = Object.keys(own).find((key) => !FIELDS.includes(key));
  if (unknown !== undefined) refuse(`unknown field "${excerpt(unknown)}"`);
  if (before >= CONTROLS) refuse(`there are ${CONTROLS} units of users already, and no more`);
  return declare({ ...own, entriesMax }, 1 << (FIRST_CONTROL + before));
}

const FIELDS: readonly string[] = ["name", "finds", "entriesMax", "logs"];

function declare(own: OwnUnit & { readonly entriesMax: number }, control: number): UnitDeclaration {
  const { name, finds, entriesMax } = own;
  const side: LogUnit = {
    name,
    controls: control,
    selectedBy: control,
    needsFlags: true,
    index: { bits: 17, signed: false },
    log: finds === "written" ? writesUpwards : new TouchLog(own),
    failure: () => null,
  };
  const unit: Unit = {
    get declaration() {
      return declaration;
    },
    logs: 1,
    entriesMax,
    whyNoMore: `the unit ${name} says so`,
    enabling: control,
    processorSide: () => side,
    ...upwardSlots,
    empty: emptyUpwards,
  };
  const isWrites = finds === "written";
  const declaration: UnitDeclaration = {
    name,
    label: name,
    title: `the unit ${name}`,
    isReal: false,
    finds: isWrites ? "writes" : "accesses",
    mayLose: true,
    whenFull: { kind: "drop", hasDropped },
    technique: {
      finds: isWrites ? "the first write to each page" : "TLB misses, with counts",
      costs: "as a module says",
      model: { pages: 2, logEntries: 1, reads: 1 },
    },
    onSomeVcpus: null,
    costs: {},
    controls: {},
    fields: {},
    failures: [],
    messages: {},
    verbs: {},
    whereLonger: null,
    entriesMax,
    entriesText: `for ${name} at most ${entriesMax}`,
    section: null,
    machineOptions: {},
    fullExpectation: null,
    configure: () => unit,
  };
  return declaration;
}

/** What it does not log counts as dropped: its harvests need not know it. */
class TouchLog implements WalkLog {
  readonly logs = "walks";
  readonly #own: OwnUnit;

  constructor(own: OwnUnit) {
    this.#own = own;
  }

  skipsStructures(): boolean {
    return true;
  }

  log(mmu: Mmu, page: number): void {
    const { counters } = mmu;
    // Those that it was asked about: what it has logged, and what not. Walks themselves are counted burst by burst.
    const before = (counters[Counter.logEntries] ?? 0) + (counters[Counter.missedGpas] ?? 0);
    const isWanted = this.#own.logs?.(page, before) ?? true;
    if (typeof isWanted !== "boolean") {
      throw new UserError(`unit "${this.#own.name}": logs: expected true or false`);
    }
    if (isWanted && logUpwards(mmu, page)) return;
    if (!isWanted) dropsUpwards(mmu);
    const { round } = mmu.guest;
    if (round !== null) notePage(round.dropped, page);
  }
}
