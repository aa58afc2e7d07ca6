/** `trackvisor compare`: ways of tracking on the same guests, side by side, and which is cheapest for what. */
import type { RunSummary } from "../system/summary.ts";
import {
  CAUSES,
  type Cause,
  cyclesPerAccess,
  MEASURES,
  type Measures,
  measuresOf,
  wholeOf,
} from "./measures.ts";
import { halfWidth, moments } from "./statistics.ts";

/** One way of tracking and what its runs were, seed by seed. */
export interface Compared {
  readonly name: string;
  readonly runs: readonly RunSummary[];
  /** The same without tracking, seed by seed. */
  readonly bases: readonly RunSummary[];
}

export interface ComparisonRow {
  readonly name: string;
  /** What was armed: a tracker falls back to write protection where it cannot have its logs. */
  readonly technique: string;
  readonly findsWritten: boolean;
  readonly findsTouched: boolean;
  /** Means over the seeds. */
  readonly measures: Measures;
  /** Half the width of the 95 % interval of each mean; 0 with one seed. */
  readonly intervals: Measures;
  /** Percent of an access's time without tracking, by what costs more than without. */
  readonly causes: Readonly<Record<Cause, number>>;
  readonly failures: readonly string[];
}

/** @returns rows by guest overhead, the least first */
export function compareRuns(all: readonly Compared[]): ComparisonRow[] {
  return all.map(rowOf).sort((a, b) => a.measures.overhead - b.measures.overhead);
}

function rowOf({ name, runs, bases }: Compared): ComparisonRow {
  const measured = runs.map((run, n) => measuresOf(run, bases[n]!));
  const [first] = runs;
  const { harvests, technique } = first!;
  const armed = harvests.filter((one) => one.technique !== "none");
  const every = (what: "findsWritten" | "findsTouched"): boolean =>
    armed.length > 0 && armed.every((one) => one[what]);
  return {
    name,
    technique: armed[0]?.technique ?? technique,
    findsWritten: every("findsWritten"),
    findsTouched: every("findsTouched"),
    measures: eachMeasure(measured, mean),
    intervals: eachMeasure(measured, halfWidth),
    causes: causesOf(runs, bases),
    failures: [...new Set(runs.flatMap(({ failures }) => failures))],
  };
}

function eachMeasure(
  measured: readonly Measures[],
  of: (values: readonly number[]) => number,
): Measures {
  const entries = MEASURES.map((name) => [name, of(measured.map((one) => one[name]))]);
  return Object.fromEntries(entries) as Record<keyof Measures, number>;
}

function mean(values: readonly number[]): number {
  return moments(values).mean;
}

function causesOf(
  runs: readonly RunSummary[],
  bases: readonly RunSummary[],
): Readonly<Record<Cause, number>> {
  const percent = (cause: Cause): number =>
    mean(
      runs.map((run, n) => {
        const base = bases[n]!;
        const more = cyclesPerAccess(run)[cause] - cyclesPerAccess(base)[cause];
        return (100 * more) / wholeOf(base);
      }),
    );
  const entries = CAUSES.map((cause) => [cause, percent(cause)]);
  return Object.fromEntries(entries) as Record<Cause, number>;
}

const KINDS = [
  { pages: "written", finds: "findsWritten" },
  { pages: "touched", finds: "findsTouched" },
] as const;

/** Which is cheapest for written pages, and which for touched ones, and why: sentences made from the rows. */
export function answers(rows: readonly ComparisonRow[]): string[] {
  return KINDS.flatMap(({ pages, finds }) => {
    const able = rows.filter((row) => row[finds] && row.failures.length === 0);
    const complete = able.filter(({ measures }) => measures.missed === 0);
    const [best, next] = complete;
    if (best === undefined) {
      return able.length === 0
        ? [`No tracker here finds ${pages} pages.`]
        : [`No tracker here finds all ${pages} pages.`];
    }
    const { overhead } = best.measures;
    const lines = [
      `Cheapest for ${pages} pages: ${best.name}, ${percent(overhead)} of guest overhead${whyOf(best)}.`,
    ];
    if (next !== undefined) {
      lines.push(`  The next is ${next.name}, ${percent(next.measures.overhead)}${whyOf(next)}.`);
    }
    const cheaper = able.filter(
      (row) => row.measures.missed > 0 && row.measures.overhead < overhead,
    );
    for (const { name, measures } of cheaper) {
      const { missed, overhead: own, recall } = measures;
      const pagesMissed = counted(Math.round(missed), "page");
      lines.push(
        `  ${name} costs ${percent(own)}, and misses ${pagesMissed}: it finds ${percent(100 * recall)}.`,
      );
    }
    return lines;
  });
}

/** Where most of its overhead comes from: exits with what is done about them, walks, or waiting. */
function whyOf({ causes, measures }: ComparisonRow): string {
  const { ptw, exit, entry, handler, waiting } = causes;
  const exits = counted(Math.round(measures.exits), "VM exit");
  const parts = [
    { cost: exit + entry + handler, text: `${exits} and what is done about them` },
    { cost: ptw, text: `walks that set flags and store log entries; ${exits}` },
    { cost: waiting, text: `waiting until a ring is reset; ${exits}` },
  ].sort((a, b) => b.cost - a.cost);
  const [most] = parts;
  return most === undefined || most.cost <= 0 ? `, with ${exits}` : `, most of it ${most.text}`;
}

function counted(count: number, what: string): string {
  return `${count === 0 ? "no" : count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}

/** Percent, two digits behind the point, without a sign for what is no number. */
export function percent(value: number): string {
  return `${(Number(value.toFixed(2)) || 0).toFixed(2)} %`;
}
