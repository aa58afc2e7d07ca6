/** Numbers that can be asked of a run, by name: what a comparison measures, counters, and what an operation came to. */
import { nearest } from "../config/nearest.ts";
import { CYCLES_PER_SECOND } from "../config/units.ts";
import { UserError } from "../errors.ts";
import { resultNumbers } from "../system/operations/all.ts";
import type { RunSummary } from "../system/summary.ts";
import { ownMeasuresOf } from "./measures.ts";

export interface Metric {
  readonly name: string;
  /** Such as "ms"; empty: a count, or a share of one. */
  readonly unit: string;
  readonly what: string;
  /** The only operation that has it; null: every run has. */
  readonly operation: string | null;
  /** Null where the run has no such number; "base": it needs the same run without tracking. */
  readonly of: ((summary: RunSummary) => number | null) | "base";
}

type Row = readonly [
  name: string,
  unit: string,
  what: string,
  of: (summary: RunSummary) => number | null,
];

function metric([name, unit, what, of]: Row): Metric {
  return { name, unit, what, operation: null, of };
}

const inMs = (cycles: number): number => (1000 * cycles) / CYCLES_PER_SECOND;

const OWN: readonly Row[] = [
  ["exits", "", "VM exits but for HLT", (run) => ownMeasuresOf(run).exits],
  ["interrupts", "", "IPIs to the pVM", (run) => ownMeasuresOf(run).interrupts],
  ["pvmTime", "ms", "time of the pVM's CPUs", (run) => ownMeasuresOf(run).pvmTime],
  ["memory", "B", "bytes kept for tracking", (run) => ownMeasuresOf(run).memory],
  ["found", "", "pages that harvests reported", (run) => ownMeasuresOf(run).found],
  ["missed", "", "pages owed and not reported", (run) => ownMeasuresOf(run).missed],
  ["overReported", "", "pages reported and not touched", (run) => ownMeasuresOf(run).overReported],
  ["precision", "", "share of what was found that was owed", (run) => ownMeasuresOf(run).precision],
  ["recall", "", "share of what was owed that was found", (run) => ownMeasuresOf(run).recall],
  [
    "jaccard",
    "",
    "share of what was owed or found that was both",
    (run) => ownMeasuresOf(run).jaccard,
  ],
  ["time", "ms", "virtual time of the run", ({ time }) => inMs(time)],
  ["accesses", "", "accesses that the guests completed", ({ accesses }) => accesses],
  ["tlbMisses", "", "misses of the whole TLB", ({ tlbMisses }) => tlbMisses],
  ["walks", "", "page walks", ({ walks }) => walks],
  [
    "logEntries",
    "",
    "entries stored in logs of the processor's units",
    ({ logEntries }) => logEntries,
  ],
  ["logFull", "", "log-full events", ({ logFull }) => logFull],
  ["energy", "J", "energy of the run, by docs/costs.md", ({ energy }) => energy.total],
  ["pagesWritten", "", "pages that the guests wrote, exactly", ({ truth }) => truth.pagesWritten],
  ["pagesTouched", "", "pages that the guests used, exactly", ({ truth }) => truth.pagesTouched],
];

export const METRICS: readonly Metric[] = [
  {
    name: "overhead",
    unit: "%",
    what: "by which an access takes longer than without tracking",
    operation: null,
    of: "base",
  },
  ...OWN.map(metric),
  ...resultNumbers().map(
    ({ of, ...number }): Metric => ({ ...number, of: ({ operation }) => of(operation) }),
  ),
];

/** What is shown of runs of an operation where nothing is asked for. */
export function defaultMetrics(operations: readonly string[]): Metric[] {
  const own = operations.flatMap((operation) =>
    METRICS.filter((one) => one.operation === operation).slice(0, 2),
  );
  return [...own, ...["overhead", "exits", "missed"].map((name) => metricNamed(name))];
}

/** @param option before the message; @throws UserError with the nearest name */
export function metricNamed(name: string, option = "--metric"): Metric {
  const found = METRICS.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = METRICS.map((one) => one.name);
  throw new UserError(
    `${option}: there is no "${name}"${nearest(name, names)} (metrics: ${names.join(", ")})`,
  );
}

/** @throws UserError if no run of these operations has such a number */
export function refuseOthers(metrics: readonly Metric[], operations: readonly string[]): void {
  for (const { name, operation } of metrics) {
    if (operation === null || operations.includes(operation)) continue;
    throw new UserError(
      `--metric: "${name}" is of operation "${operation}", and the scenario's is "${operations.join(", ")}"`,
    );
  }
}
