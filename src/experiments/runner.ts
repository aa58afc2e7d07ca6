/** Does the runs of experiments on all cores, and leaves out those that were done before. */
import { setMaxListeners } from "node:events";
import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import { UserError } from "../errors.ts";
import type { RunSummary } from "../system/summary.ts";
import { expectedCost } from "./expectedCost.ts";
import type { Experiment, Point, Results } from "./experiment.ts";
import type { PointStore } from "./pointStore.ts";
import { BrokenRun } from "./runPoint.ts";
import type { Scale } from "./scale.ts";
import type { Reply } from "./worker.ts";

export interface RunnerProgress {
  /** Runs: finished, in all, and of those finished, from the store. */
  readonly done: number;
  readonly total: number;
  readonly reused: number;
  /** Of the runs that were not in the store: the part that is done, weighed by what each should cost. */
  readonly part: number;
}

export interface RunnerOptions {
  readonly scale: Scale;
  readonly store: PointStore;
  /** Threads; default: as many as there are processors. */
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal;
  /** Called when a run has ended, and once at the start. */
  readonly onProgress?: (progress: RunnerProgress) => void;
}

/** Thrown when the signal ended it; finished runs are in the store. */
export class Interrupted extends Error {}

/**
 * @returns of each experiment, in order, its results
 * @throws Interrupted
 * @throws BrokenRun if a run broke what no run may
 * @throws UserError if a run cannot be done on this machine, or its result cannot be written
 */
export async function runExperiments(
  experiments: readonly Experiment[],
  options: RunnerOptions,
): Promise<readonly Results[]> {
  const { scale, store, signal } = options;
  const points = experiments.map((experiment) => experiment.points(scale));
  const keyed = new Map<string, Point>();
  for (const point of points.flat()) keyed.set(store.key(point.scenario), point);
  const summaries = new Map<string, RunSummary>();
  for (const key of keyed.keys()) {
    const summary = store.read(key);
    if (summary !== null) summaries.set(key, summary);
  }
  // Long ones first: a long run that starts last would have one core wait for the other.
  const missing = [...keyed]
    .filter(([key]) => !summaries.has(key))
    .map(([key, point]) => ({ key, point, cost: expectedCost(point.scenario) }))
    .sort((a, b) => b.cost - a.cost);
  const reused = summaries.size;
  const wholeCost = missing.reduce((sum, { cost }) => sum + cost, 0);
  let doneCost = 0;
  const report = (): void =>
    options.onProgress?.({
      done: summaries.size,
      total: keyed.size,
      reused,
      part: wholeCost === 0 ? 1 : doneCost / wholeCost,
    });
  report();
  if (missing.length > 0) {
    // Each run listens to it.
    if (signal) setMaxListeners(0, signal);
    const threads = Math.min(options.workers ?? availableParallelism(), missing.length);
    const filename = new URL("./worker.js", import.meta.url).href;
    const pool = new Piscina({ filename, minThreads: threads, maxThreads: threads });
    const rest = missing.values();
    // Each thread takes the next of the list: the pool's own queue does not keep the order.
    const lane = async (): Promise<void> => {
      for (const { key, point, cost } of rest) {
        const reply: Reply = await pool.run(point.scenario, signal ? { signal } : {});
        if ("problem" in reply) throw new UserError(`run "${point.name}": ${reply.problem}`);
        if ("broken" in reply) throw new BrokenRun(`run "${point.name}": ${reply.broken}`);
        const { summary } = reply;
        store.write(key, summary);
        summaries.set(key, JSON.parse(summary));
        doneCost += cost;
        report();
      }
    };
    try {
      await Promise.all(Array.from({ length: threads }, lane));
    } catch (error) {
      if (signal?.aborted) throw new Interrupted();
      throw error;
    } finally {
      await pool.destroy();
    }
  }
  return points.map((own) => {
    const byName = new Map(own.map(({ name, scenario }) => [name, store.key(scenario)]));
    return (name) => {
      const summary = summaries.get(byName.get(name) ?? "");
      if (summary === undefined) throw new Error(`there is no run "${name}"`);
      return summary;
    };
  });
}
