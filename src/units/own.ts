/**
 * Page-logging units of users: what such a unit would log, as a program says. Its log is filled upwards; when it is full, an
 * access completes and is not logged, and a bit says so, as of src/units/overflowLog. What a scenario can say of a unit
 * without a program is in src/units/machineUnit.
 */
import { excerpt } from "../config/fieldPath.ts";
import { UserError } from "../errors.ts";
import { ALL_MISSES, DESIGN_ENTRIES_MAX, declared } from "./design.ts";
import type { Wanted } from "./filling.ts";
import type { UnitDeclaration } from "./unit.ts";

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

/** Secondary controls 8 to 15, which no unit of the program has: as many users' units there may be. */
const FIRST_CONTROL = 8;
const CONTROLS = 8;
export const OWN_CONTROLS = ((1 << CONTROLS) - 1) << FIRST_CONTROL;

/** @param before units of users that there are already; @throws UserError if it is no unit */
export function ownUnit(own: OwnUnit, before: number): UnitDeclaration {
  const { name, finds, entriesMax = DESIGN_ENTRIES_MAX, logs } = own;
  const refuse = (what: string): never => {
    throw new UserError(`unit "${excerpt(String(name))}": ${what}`);
  };
  if (typeof name !== "string" || !/^[A-Za-z][\w-]{0,39}$/.test(name)) {
    refuse("expected letters, digits, - and _");
  }
  if (finds !== "written" && finds !== "touched") refuse("finds: expected written or touched");
  if (!Number.isInteger(entriesMax) || entriesMax < 1 || entriesMax > DESIGN_ENTRIES_MAX) {
    refuse(`entriesMax: expected a whole number from 1 to ${DESIGN_ENTRIES_MAX}`);
  }
  if (logs !== undefined && typeof logs !== "function") refuse("logs: expected a function");
  if (logs !== undefined && finds === "written") {
    refuse("logs: goes with finds touched; a write that is not logged would be lost");
  }
  const unknown = Object.keys(own).find((key) => !FIELDS.includes(key));
  if (unknown !== undefined) refuse(`unknown field "${excerpt(unknown)}"`);
  if (before >= CONTROLS) refuse(`there are ${CONTROLS} units of users already, and no more`);
  return declared(
    {
      name,
      label: name,
      trigger: finds === "written" ? "dirtyBit" : "tlbMiss",
      filling: { direction: "up", whenFull: "drop", logs: 1 },
      gatesAccessed: false,
      wanted: { ...ALL_MISSES, asks: asked(own) },
      entriesMax,
      control: 1 << (FIRST_CONTROL + before),
    },
    { stops: null, interrupts: null, costs: "as a module says", failure: null },
  );
}

const FIELDS: readonly string[] = ["name", "finds", "entriesMax", "logs"];

/** As it may also answer something that is no answer. */
function asked({ name, logs }: OwnUnit): Wanted["asks"] {
  if (logs === undefined) return null;
  return (page, misses) => {
    const isWanted = logs(page, misses);
    if (typeof isWanted === "boolean") return isWanted;
    throw new UserError(`unit "${name}": logs: expected true or false`);
  };
}
