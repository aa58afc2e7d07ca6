/** How a result is laid out in pictures: what goes along, what tells series apart, what has panels of its own. */
import { unitsIn } from "../../config/units.ts";
import type { Shown } from "./axis.ts";
import type { SweepResult } from "./result.ts";

/** A field along an axis. */
export interface Along {
  readonly field: string;
  /** Of a quantity; empty if it has none, null if its values are names. */
  readonly unit: string | null;
  /** Values in growing steps, as a field that is doubled has them. */
  readonly isLogarithmic: boolean;
}

export interface Layout {
  readonly along: Along;
  /** Fields that tell series apart. */
  readonly series: readonly string[];
  /** A field with a panel for each of its values, where three or more are varied. */
  readonly panels: string | null;
}

/** How much longer the longest step is than the shortest, from which on values are drawn by their ratios. */
const LOGARITHMIC = 4;
const QUANTITY = /^(-?\d+(?:\.\d+)?)\s*([A-Za-z%][A-Za-z/%]*)$/;
/** What stands for a field that a point leaves as it is. */
export const UNSET = "default";

/** What a layout follows from. */
export interface Laid {
  readonly sweep: { readonly fields: readonly string[] };
  readonly points: readonly Pick<SweepResult["points"][number], "values">[];
}

/** Along goes the number with the most values; without any, what is varied first. */
export function layoutOf({ sweep: { fields }, points }: Laid): Layout {
  const all = fields.map((field) => {
    const values = points.map(({ values: own }) => own[field] ?? UNSET);
    return { field, values, count: new Set(values).size, unit: unitOf(values) };
  });
  const varied = all.filter(({ count }) => count > 1);
  const candidates = varied.length > 0 ? varied : all;
  const numbers = candidates.filter(({ unit }) => unit !== null);
  const most = Math.max(...numbers.map(({ count }) => count));
  const chosen = numbers.find(({ count }) => count === most) ?? candidates[0];
  if (chosen === undefined) throw new Error("a sweep varies nothing");
  const { field, unit, values } = chosen;
  const others = varied.map((one) => one.field).filter((one) => one !== field);
  const quantities = unit === null ? [] : values.map((value) => quantityIn(value, unit));
  const panels = others.length > 1 ? (others.at(-1) ?? null) : null;
  const series = others.filter((one) => one !== panels);
  return { along: { field, unit, isLogarithmic: isDoubling(quantities) }, series, panels };
}

function isDoubling(quantities: readonly number[]): boolean {
  const sorted = [...new Set(quantities)].sort((a, b) => a - b);
  const steps = sorted.slice(1).map((value, n) => value - (sorted[n] ?? value));
  return (sorted[0] ?? 0) > 0 && Math.max(...steps) >= LOGARITHMIC * Math.min(...steps);
}

/** The unit of the first of some quantities, in which all can be said; null if one is none. */
function unitOf(values: readonly Shown[]): string | null {
  const units = values.map((value) =>
    typeof value === "number" ? "" : (QUANTITY.exec(String(value))?.[2] ?? null),
  );
  const first = units[0] ?? null;
  if (first === null) return null;
  return units.every((unit) => unit !== null && unitsIn(first, unit) !== null) ? first : null;
}

/** A quantity as a number, in a unit that it can be said in. */
export function quantityIn(value: Shown, unit: string): number {
  if (typeof value === "number") return value;
  const [, digits, own] = QUANTITY.exec(String(value)) ?? [];
  const factor = own === undefined ? null : unitsIn(unit, own);
  if (factor === null) throw new Error(`${value} is no quantity in ${unit}`);
  return Number(digits) * factor;
}

/** The values of some fields in one word: "pml", "pml, 2". Of one field the value alone. */
export function labelOf(
  values: Readonly<Record<string, Shown>>,
  fields: readonly string[],
): string {
  return fields.map((field) => String(values[field] ?? UNSET)).join(", ");
}

/** The last part of each field's name, where these are enough to tell them apart. */
export function shortNames(fields: readonly string[]): string[] {
  const last = (field: string): string => field.split(".").at(-1) ?? field;
  const short = fields.map(last);
  return new Set(short).size === fields.length ? short : [...fields];
}
