/** The runs of a sweep's points, and what they measure. */
import { type Ended, type PoolOptions, type RunProgress, runAll } from "../../runs/pool.ts";
import type { RunOrder } from "../../runs/runOrder.ts";
import { overheadOf, wholeOf } from "../measures.ts";
import type { Metric } from "../metrics.ts";
import { untracked } from "../untracked.ts";
import { type PlannedPoint, type SweepPlan, withSeed } from "./plan.ts";
import { type PointResult, pointResult, type RunResult } from "./result.ts";

export interface SweepRunOptions extends Omit<PoolOptions, "onProgress"> {
  /** @param what which runs they are: all of the points, then those without tracking */
  readonly onProgress?: (what: string, progress: RunProgress) => void;
  /** Hears of each run of a point when it has ended; what needs the run without tracking is not there yet. */
  readonly onRun?: (point: PlannedPoint, run: RunResult) => void;
}

/** What is kept of a run. */
interface Kept {
  /** But for those that need the run without tracking. */
  readonly measures: Readonly<Record<string, number | null>>;
  /** Cycles for each access; and of the whole run. */
  readonly whole: number;
  readonly time: number;
  readonly failures: readonly string[];
}

/**
 * Runs points, and what their overhead is measured against. The result is the same on any number of threads.
 * @throws Interrupted, and UserError if a result cannot be kept
 */
export async function runPoints(
  points: readonly PlannedPoint[],
  { metrics }: Pick<SweepPlan, "metrics">,
  { onProgress, onRun, ...pool }: SweepRunOptions,
): Promise<PointResult[]> {
  const keep = (ended: Ended): Kept => kept(ended, metrics);
  const tell = onRun === undefined ? () => {} : teller(points, pool.store, onRun);
  const keepAndTell = (ended: Ended, order: RunOrder): Kept => {
    const run = keep(ended);
    tell(order, run);
    return run;
  };
  const stage = (what: string): PoolOptions => ({
    ...pool,
    onProgress: (progress) => onProgress?.(what, progress),
  });
  const orders = points.flatMap(({ order, seeds }) => seeds.map((seed) => withSeed(order, seed)));
  const runs = await runAll(orders, keepAndTell, stage("runs"));
  const runOf = (order: RunOrder): Kept => found(runs, pool.store.key(order));
  const isCompared = metrics.some(({ of }) => of === "base");
  const plain = (order: RunOrder): RunOrder => untracked(order, runOf(order).time);
  const bases = isCompared
    ? await runAll(orders.map(plain), keep, stage("runs without tracking"))
    : null;
  return points.map((point) => {
    const results = point.seeds.map((seed): RunResult => {
      const order = withSeed(point.order, seed);
      const run = runOf(order);
      const base = bases === null ? null : found(bases, pool.store.key(plain(order)));
      return { seed, ...together(run, base, metrics) };
    });
    return pointResult(point, results, metrics);
  });
}

/** Tells of a run to those whose it is: points may share one. */
function teller(
  points: readonly PlannedPoint[],
  store: PoolOptions["store"],
  onRun: NonNullable<SweepRunOptions["onRun"]>,
): (order: RunOrder, run: Kept) => void {
  const owners = new Map<string, { readonly point: PlannedPoint; readonly seed: number }[]>();
  for (const point of points) {
    for (const seed of point.seeds) {
      const key = store.key(withSeed(point.order, seed));
      owners.set(key, [...(owners.get(key) ?? []), { point, seed }]);
    }
  }
  return (order, { measures, failures }) => {
    for (const { point, seed } of owners.get(store.key(order)) ?? []) {
      onRun(point, { seed, measures, failures: [...failures] });
    }
  };
}

function found(runs: ReadonlyMap<string, Kept>, key: string): Kept {
  const run = runs.get(key);
  if (run === undefined) throw new Error(`there is no run ${key}`);
  return run;
}

function kept(ended: Ended, metrics: readonly Metric[]): Kept {
  if ("problem" in ended) {
    return { measures: {}, whole: Number.NaN, time: 0, failures: [ended.problem] };
  }
  const { summary } = ended;
  const entries = metrics.map(({ name, of }) => [name, of === "base" ? null : of(summary)]);
  return {
    measures: Object.fromEntries(entries),
    whole: wholeOf(summary),
    time: summary.time,
    failures: summary.failures,
  };
}

function together(
  run: Kept,
  base: Kept | null,
  metrics: readonly Metric[],
): Omit<RunResult, "seed"> {
  const entries = metrics.map(({ name, of }): [string, number | null] => {
    const value =
      of === "base"
        ? overheadOf(run.whole, base?.whole ?? Number.NaN)
        : (run.measures[name] ?? null);
    return [name, Number.isFinite(value) ? value : null];
  });
  const against = (base?.failures ?? []).map((what) => `without tracking: ${what}`);
  return { measures: Object.fromEntries(entries), failures: [...run.failures, ...against] };
}
