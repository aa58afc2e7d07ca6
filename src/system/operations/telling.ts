/**
 * What an operation tells people: how far it is and what came of it, once, for the panel and for the report; and the
 * numbers that can be asked of it by name.
 */
import { grouped, sparkline, thinned } from "../../config/figures.ts";
import type { OperationResult } from "../operation.ts";

/** Series over the same points. */
export interface ToldChart {
  readonly title: string;
  /** Of the values, such as "MiB"; "" = a count. */
  readonly unit: string;
  readonly x: {
    /** What the points are: "time", "round". */
    readonly name: string;
    /** Cycles, memory, or a number of what it is called after. */
    readonly unit: "cycles" | "MiB" | "";
    /** Ascending. */
    readonly values: readonly number[];
  };
  readonly series: readonly ToldSeries[];
}

export interface ToldSeries {
  readonly name: string;
  /** One for each point; null: none is known there. */
  readonly values: readonly (number | null)[];
}

export interface Told {
  /** In a sentence: how far it is. */
  readonly headline: string;
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** The first one is shown where there is room for one. */
  readonly charts: readonly ToldChart[];
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A number that can be asked of a run. */
export interface ResultNumber<Result> {
  readonly name: string;
  /** Such as "ms"; empty: a count, or a share of one. */
  readonly unit: string;
  readonly what: string;
  /** Null where the run has no such number. */
  readonly of: (result: Result) => number | null;
}

export interface Telling<Result extends OperationResult> {
  /** @param state of the operation's machine */
  readonly tell: (result: Result, state: string) => Told;
  /** The report, where it says more than the panel has room for; null: it is what is told. */
  readonly report: ((result: Result) => readonly string[]) | null;
  readonly numbers: readonly ResultNumber<Result>[];
}

const LABEL = 24;
const ROWS = 16;
const WIDTH = 60;
const COLUMN = 14;

/** What is told, as lines of text. */
export function linesOf({ headline, facts, charts, columns, rows }: Told): string[] {
  const cells = (texts: readonly string[]): string =>
    `  ${texts.map((text) => text.padStart(COLUMN)).join("")}`;
  return [
    headline,
    ...facts.map(([label, value]) => `  ${label.padEnd(LABEL)}${value}`),
    ...(rows.length === 0 ? [] : ["", cells(columns), ...thinned(rows, ROWS).map(cells)]),
    ...charts.slice(0, 1).flatMap((chart) => ["", ...chartLines(chart)]),
  ];
}

function chartLines({ title, unit, series }: ToldChart): string[] {
  const known = series.map(({ name, values }) => ({ name, values: values.map((one) => one ?? 0) }));
  const largest = known.reduce((most, { values }) => values.reduce(greater, most), 0);
  const lines = known.flatMap(({ name, values }) =>
    values.length === 0 ? [] : [`  ${name.padEnd(LABEL)}${sparkline(values, largest, WIDTH)}`],
  );
  const most = `${grouped(Math.round(largest))}${unit === "" ? "" : ` ${unit}`}`;
  return [`  ${title}, at most ${most}`, ...lines];
}

function greater(a: number, b: number): number {
  return Math.max(a, b);
}

/** Over VMs; null if one of them has no such number. */
function numbersOf<Vm>(vms: readonly Vm[], of: (vm: Vm) => number | null): readonly number[] {
  const values = vms.map(of).filter((value) => value !== null);
  return values.length < vms.length ? [] : values;
}

/** The sum over VMs; null if one of them has no such number. */
export function sumOver<Vm>(vms: readonly Vm[], of: (vm: Vm) => number | null): number | null {
  const values = numbersOf(vms, of);
  return values.length === 0 ? null : values.reduce((total, one) => total + one, 0);
}

/** The mean over VMs; null if one of them has no such number. */
export function meanOver<Vm>(vms: readonly Vm[], of: (vm: Vm) => number | null): number | null {
  const total = sumOver(vms, of);
  return total === null ? null : total / vms.length;
}

/** The largest of VMs; null if one of them has no such number. */
export function mostOver<Vm>(vms: readonly Vm[], of: (vm: Vm) => number | null): number | null {
  const values = numbersOf(vms, of);
  return values.length === 0 ? null : Math.max(...values);
}
