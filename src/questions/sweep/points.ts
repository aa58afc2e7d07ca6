/** The points of a sweep, from what it varies. */
import type { Override } from "../../config/override.ts";
import { UserError } from "../../errors.ts";
import type { Axis, Setting, Shown } from "./axis.ts";

export interface SweepPoint {
  /** Its place among all. */
  readonly index: number;
  /** By field, in the order of the columns. */
  readonly values: Readonly<Record<string, Shown>>;
  readonly overrides: readonly Override[];
}

/** Runs that are more than a mistake: results are held in memory. */
const RUNS_MAX = 1_000_000;

/** How many runs that would be. @throws UserError if there is nothing to vary, or far too much */
export function countRuns(axes: readonly Axis[], seeds: number): number {
  if (axes.length === 0) {
    throw new UserError(
      "nothing to vary: give --vary FIELD=VALUES, such as --vary tracker.technique=writeProtect,presentBit, or --points FILE",
    );
  }
  const runs = axes.reduce((all, { steps }) => all * steps.length, seeds);
  if (runs > RUNS_MAX) {
    throw new UserError(
      `a sweep of ${runs.toLocaleString("en")} runs; at most ${RUNS_MAX.toLocaleString("en")}`,
    );
  }
  return runs;
}

/** All combinations, the last axis the fastest. @throws UserError if two axes have one field */
export function pointsOf(axes: readonly Axis[]): SweepPoint[] {
  const fields = fieldsOf(axes);
  const combinations = axes.reduce<readonly (readonly Setting[])[]>(
    (before, { steps }) => before.flatMap((some) => steps.map((more) => [...some, ...more])),
    [[]],
  );
  return combinations.map((settings, index) => {
    const byField = new Map(settings.map(({ field, shown }) => [field, shown]));
    const values = fields.flatMap((field): [string, Shown][] => {
      const shown = byField.get(field);
      return shown === undefined ? [] : [[field, shown]];
    });
    return {
      index,
      values: Object.fromEntries(values),
      overrides: settings.map(({ override }) => override),
    };
  });
}

/** @throws UserError if two axes have one field */
export function fieldsOf(axes: readonly Axis[]): string[] {
  const fields = axes.flatMap((axis) => axis.fields);
  const twice = fields.find((field, n) => fields.indexOf(field) !== n);
  if (twice !== undefined) throw new UserError(`${twice} is varied twice`);
  return fields;
}

/** A point in words: "tracker.technique=pml, machine.logEntries=64". */
export function pointText({ values }: Pick<SweepPoint, "values">): string {
  return Object.entries(values)
    .map(([field, value]) => `${field}=${value}`)
    .join(", ");
}
