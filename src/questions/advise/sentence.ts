/** A sentence of an answer and the runs that its numbers are from. */
import { CYCLES_PER_SECOND } from "../../config/units.ts";
import { halfWidth, moments } from "../statistics.ts";
import type { PlannedRun } from "./runBook.ts";

export interface Sentence {
  readonly text: string;
  readonly runs: readonly PlannedRun[];
}

export function sentence(text: string, runs: readonly PlannedRun[] = []): Sentence {
  return { text, runs };
}

/** Mean over the seeds and half the width of its 95 % interval; null where it is unknown: of one seed alone. */
export interface Spread {
  readonly mean: number;
  readonly half: number | null;
  readonly count: number;
}

/** @param values one or more */
export function spreadOf(values: readonly number[]): Spread {
  const { mean } = moments(values);
  return { mean, half: values.length < 2 ? null : halfWidth(values), count: values.length };
}

/** In another unit. */
export function scaled({ mean, half, count }: Spread, scale: (value: number) => number): Spread {
  return { mean: scale(mean), half: half === null ? null : scale(half), count };
}

/** Such as "12.3 ±0.4 ms". @param text of a number of that unit, without it */
export function spreadText(
  { mean, half }: Spread,
  unit: string,
  text: (value: number) => string = significant,
): string {
  const spread = half === null || half === 0 ? "" : ` ±${text(half)}`;
  return `${text(mean)}${spread}${unit === "" ? "" : ` ${unit}`}`;
}

/** Three significant digits, thousands apart. */
export function significant(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

export function milliseconds(cycles: number): number {
  return (1000 * cycles) / CYCLES_PER_SECOND;
}

export function mebibytes(bytes: number): number {
  return bytes / 2 ** 20;
}

export function counted(count: number, what: string): string {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}
