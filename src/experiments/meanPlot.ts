/** The plots of several seeds as one: means with their 95 % intervals where the same things stand in all of them. */

import { itemAt } from "../lookup.ts";
import { HIGH, LOW, withIntervals } from "../plots/intervals.ts";
import type { DataRow, Measured, Plot } from "../plots/plot.ts";
import { halfWidth, moments } from "../questions/statistics.ts";
import { bySeed } from "./seeds.ts";

/** @param plots the same one, by seed */
export function meanPlot(plots: readonly Plot[]): Plot {
  const first = itemAt(plots, 0);
  const texts = plots.map(({ data }) => JSON.stringify(data));
  if (bySeedIsSame(texts)) return first;
  const { measured } = first;
  const data = measured === undefined ? null : meanData(plots, measured);
  if (measured === undefined || data === null) {
    return { ...first, title: `${first.title} (the first of ${plots.length} seeds)` };
  }
  const title = `${first.title} (mean of ${plots.length} seeds, 95 %)`;
  return withIntervals({ ...first, title, data }, measured);
}

function bySeedIsSame(texts: readonly string[]): boolean {
  return texts.every((text) => text === texts[0]);
}

/** @returns null if marks do not stand for the same in all: points of a series whose times differ */
function meanData(plots: readonly Plot[], { field, spec }: Measured): readonly DataRow[] | null {
  const { data } = itemAt(plots, 0);
  if (plots.some((plot) => plot.data.length !== data.length)) return null;
  const keys = Object.values(spec.encoding)
    .map((channel) => String(channel["field"]))
    .filter((key) => key !== field);
  const rows = data.map((row, i) => {
    const all = plots.map((plot) => itemAt(plot.data, i));
    const isTheSame = all.every((one) => keys.every((key) => one[key] === row[key]));
    return isTheSame ? meanRow(all, field) : null;
  });
  return rows.every((row) => row !== null) ? rows : null;
}

/** Columns that are no numbers are the first row's. @returns null if what is measured is none */
function meanRow(all: readonly DataRow[], field: string): DataRow | null {
  const first = itemAt(all, 0);
  const measured = numbersOf(all, field);
  if (measured === null) return null;
  const half = halfWidth(measured);
  const mean = meanOf(measured);
  const columns = Object.keys(first).map((key) => {
    const values = numbersOf(all, key);
    return [key, values === null ? (first[key] ?? "") : meanOf(values)] as const;
  });
  return { ...Object.fromEntries(columns), [LOW]: mean - half, [HIGH]: mean + half };
}

/** By seed, as `bySeed` has them; null if one is none. */
function numbersOf(rows: readonly DataRow[], key: string): readonly number[] | null {
  const values = rows.map((row) => row[key]);
  return values.every((value) => typeof value === "number") ? bySeed(values) : null;
}

function meanOf(values: readonly number[]): number {
  return values.length === 1 ? itemAt(values, 0) : moments(values).mean;
}
