/**
 * The statecharts of page-logging units: what each does when its log is full, and how it is told. A unit whose full log
 * nobody is told of has none.
 */
import { amdPmlStatechart } from "./amdPmlUnit.ts";
import { hdbssStatechart } from "./hdbssUnit.ts";
import { machineUnitStatechart } from "./machineUnit.ts";
import { pmlStatechart } from "./pmlUnit.ts";
import { prlStatechart } from "./prlUnit.ts";
import type { UnitStatechart } from "./statechart.ts";

/** By unit's name. */
const STATECHARTS: Readonly<Record<string, UnitStatechart>> = {
  pml: pmlStatechart,
  prl: prlStatechart,
  machineUnit: machineUnitStatechart,
  amdPml: amdPmlStatechart,
  hdbss: hdbssStatechart,
};

/** That of a unit; null if it has none. */
export function statechartOf(unit: string): UnitStatechart | null {
  return Object.hasOwn(STATECHARTS, unit) ? (STATECHARTS[unit] ?? null) : null;
}

export const UNIT_STATECHARTS: readonly UnitStatechart[] = Object.values(STATECHARTS);

/** Transitions that no model takes, by machine. */
export const NEVER_TAKEN_OF_UNITS: Readonly<Record<string, Readonly<Record<string, string>>>> =
  Object.fromEntries(
    UNIT_STATECHARTS.map(({ machine, neverTaken = {} }) => [machine.id, neverTaken]),
  );
