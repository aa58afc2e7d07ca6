/** `trackvisor compare`: ways of tracking on the same guests, side by side, and which is cheapest for what. */
import { isOnProcessors } from "../hypervisor/techniques/all.ts";
import { itemAt, recordOf } from "../lookup.ts";
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
  /** Whether there are processors that have what it needs. */
  readonly onProcessors: boolean;
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
  const measured = runs.map((run, n) => measuresOf(run, itemAt(bases, n)));
  const { harvests, technique } = itemAt(runs, 0);
  const armed = harvests.filter((one) => one.technique !== "none");
  const every = (what: "findsWritten" | "findsTouched"): boolean =>
    armed.length > 0 && armed.every((one) => one[what]);
  const own = armed[0]?.technique ?? technique;
  return {
    name,
    technique: own,
    onProcessors: isOnProcessors(own),
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
  return recordOf(MEASURES, (name) => of(measured.map((each) => each[name])));
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
        const base = itemAt(bases, n);
        const more = cyclesPerAccess(run)[cause] - cyclesPerAccess(base)[cause];
        return (100 * more) / wholeOf(base);
      }),
    );
  return recordOf(CAUSES, percent);
}

/** What trackers can be asked for, and which of them find it. */
export const KINDS = [
  { pages: "written", finds: "findsWritten" },
  { pages: "touched", finds: "findsTouched" },
] as const;

/** Trackers in order of their overhead, for one kind of pages. */
export interface Ranking {
  readonly pages: (typeof KINDS)[number]["pages"];
  /** Whether any of them finds such pages. */
  readonly isFound: boolean;
  /** The cheapest that misses none, and the next; null where there is no such. */
  readonly best: ComparisonRow | null;
  readonly next: ComparisonRow | null;
  /** The cheapest that misses none and needs nothing that no processor has; null where there is no such. */
  readonly today: ComparisonRow | null;
  /** Those that cost less, and miss pages. */
  readonly cheaper: readonly ComparisonRow[];
}

/** @param rows by guest overhead */
export function rank(
  rows: readonly ComparisonRow[],
  { pages, finds }: (typeof KINDS)[number],
): Ranking {
  const able = rows.filter((row) => row[finds] && row.failures.length === 0);
  const exact = able.filter(({ measures }) => measures.missed === 0);
  const [best = null, next = null] = exact;
  const today = exact.find(({ onProcessors }) => onProcessors) ?? null;
  const cheaper =
    best === null
      ? []
      : able.filter(
          ({ measures }) => measures.missed > 0 && measures.overhead < best.measures.overhead,
        );
  return { pages, isFound: able.length > 0, best, next, today, cheaper };
}

/** Which is cheapest for written pages, and which for touched ones, and why: sentences made from the rows. */
export function answers(rows: readonly ComparisonRow[]): string[] {
  return KINDS.flatMap((kind) => sentencesOf(rank(rows, kind)).map(({ text }) => text));
}

/** @returns sentences, each with the rows that its numbers are from */
export function sentencesOf({
  pages,
  isFound,
  best,
  next,
  today,
  cheaper,
}: Ranking): { readonly text: string; readonly rows: readonly ComparisonRow[] }[] {
  if (best === null) {
    const text = isFound
      ? `No tracker here finds all ${pages} pages.`
      : `No tracker here finds ${pages} pages.`;
    return [{ text, rows: [] }];
  }
  const { overhead } = best.measures;
  const first = `Cheapest for ${pages} pages: ${shown(best)}, ${percent(overhead)} of guest overhead${whyOf(best)}.`;
  const another = (which: string, row: ComparisonRow): string =>
    `  ${which} ${row.name}, ${percent(row.measures.overhead)}${whyOf(row)}.`;
  const losing = (row: ComparisonRow): string => {
    const { missed, overhead: own, recall } = row.measures;
    const pagesMissed = counted(Math.round(missed), "page");
    return `  ${shown(row)} costs ${percent(own)}, and misses ${pagesMissed}: it finds ${percent(100 * recall)}.`;
  };
  return [
    { text: first, rows: [best] },
    // Who chooses hardware to come asks for the first, who has a machine for this one.
    ...(best.onProcessors ? [] : [ofToday(pages, today, another)]),
    ...(next === null || (next === today && !best.onProcessors)
      ? []
      : [{ text: another("The next is", { ...next, name: shown(next) }), rows: [next] }]),
    ...cheaper.map((row) => ({ text: losing(row), rows: [row] })),
  ];
}

function shown({ name, onProcessors }: ComparisonRow): string {
  return onProcessors ? name : `${name} (no processor has it)`;
}

function ofToday(
  pages: Ranking["pages"],
  today: ComparisonRow | null,
  another: (which: string, row: ComparisonRow) => string,
): { readonly text: string; readonly rows: readonly ComparisonRow[] } {
  if (today === null) {
    return {
      text: `  Nothing here that is on processors of today finds all ${pages} pages.`,
      rows: [],
    };
  }
  return { text: another("On processors of today:", today), rows: [today] };
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
