/** A sweep's result for people: a table with intervals, a plot, what went wrong. */
import Table from "cli-table3";
import { grouped } from "../config/figures.ts";
import { visible } from "../io/visible.ts";
import { UNSET } from "../questions/sweep/layout.ts";
import { pointText } from "../questions/sweep/points.ts";
import type { PointResult, SweepHead, SweepResult } from "../questions/sweep/result.ts";
import { terminalPlot } from "../questions/sweep/terminalPlot.ts";

/** Failures that are told one by one. */
const FAILURES_MAX = 20;
/** Where standard output is no terminal. */
const COLUMNS = 80;

/** @param columns of the terminal */
export function sweepLines(result: SweepResult, columns = COLUMNS): string[] {
  const plot = terminalPlot(result, columns);
  return [...tableOf(result), ...(plot.length === 0 ? [] : ["", ...plot])];
}

/** Its head and its rows as texts. */
export function tableTexts({ sweep: { fields, metrics }, points }: SweepResult): {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
} {
  const rows = points.map((point) => [
    ...fields.map((field) => String(point.values[field] ?? UNSET)),
    ...metrics.map(({ name }) => cellOf(point, name)),
  ]);
  return { head: [...fields, ...metrics.map(headOf)], rows };
}

function tableOf(result: SweepResult): string[] {
  const { fields, metrics } = result.sweep;
  const { head, rows } = tableTexts(result);
  const table = new Table({
    head: head.map(visible),
    colAligns: [...fields.map(() => "left" as const), ...metrics.map(() => "right" as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(row.map(visible));
  return table.toString().split("\n");
}

function headOf({ name, unit }: SweepHead["metrics"][number]): string {
  return unit === "" ? name : `${name} (${unit})`;
}

function cellOf({ means, intervals, runs }: PointResult, name: string): string {
  const mean = means[name] ?? null;
  if (mean === null) return "-";
  const half = intervals[name] ?? 0;
  const text = numberText(mean);
  return runs.length < 2 || half === 0 ? text : `${text} ±${halfText(half)}`;
}

/** Two significant digits: more are not known. */
function halfText(half: number): string {
  if (half >= 100) return grouped(Math.round(half));
  return half < 0.001 ? half.toExponential(0) : String(Number(half.toPrecision(2)));
}

/** Whole numbers whole; others with four significant digits. */
function numberText(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return grouped(Math.round(value));
  const short = Number(value.toPrecision(4));
  return Math.abs(short) < 0.0001 ? value.toExponential(1) : String(short);
}

/** What went wrong, a line each: which point, which seed, what. */
export function failureLines({ points }: SweepResult): string[] {
  const all = points.flatMap((point) =>
    point.runs.flatMap(({ seed, failures }) =>
      failures.map((what) => `${pointText(point)}, seed ${seed}: ${what}`),
    ),
  );
  const more = all.length - FAILURES_MAX;
  return more <= 0 ? all : [...all.slice(0, FAILURES_MAX), `and ${more} more failures`];
}
