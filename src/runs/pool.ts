/** Does runs, on all cores or wherever else, and leaves out those that were done before. */
import { setMaxListeners } from "node:events";
import type { Executor } from "./executor.ts";
import { expectedCost } from "./expectedCost.ts";
import type { FinishedRun, RunOrder } from "./runOrder.ts";
import type { RunStore } from "./runStore.ts";
import { ThreadExecutor } from "./threads.ts";

export interface RunProgress {
  /** Runs: finished, in all, and of those finished, from the store. */
  readonly done: number;
  readonly total: number;
  readonly reused: number;
  /** Of the runs that were not in the store: the part that is done, weighed by what each should cost. */
  readonly part: number;
}

export interface PoolOptions {
  readonly store: RunStore;
  /** Threads; default: as many as there are processors. */
  readonly workers?: number | undefined;
  /** Who does the runs, if not threads of this machine. */
  readonly executor?: Executor | undefined;
  readonly signal?: AbortSignal;
  /** Called when a run has ended, and once at the start. */
  readonly onProgress?: (progress: RunProgress) => void;
}

/** How a run ended: finished, or given up with a sentence that says what cannot be. */
export type Ended = FinishedRun | { readonly problem: string };

/** Thrown when the signal ended it; finished runs are in the store. */
export class Interrupted extends Error {}

/**
 * Does each run once, whoever orders it how often.
 * @param take makes of a run what is kept of it; what it throws ends everything
 * @returns what was taken, by the run's key in the store
 * @throws Interrupted
 * @throws UserError if a result cannot be written
 */
export async function runAll<Order extends RunOrder, Taken>(
  orders: readonly Order[],
  take: (ended: Ended, order: Order) => Taken,
  { store, workers, executor = new ThreadExecutor(workers), signal, onProgress }: PoolOptions,
): Promise<ReadonlyMap<string, Taken>> {
  const keyed = new Map<string, Order>();
  for (const order of orders) keyed.set(store.key(order), order);
  const taken = new Map<string, Taken>();
  for (const [key, order] of keyed) {
    const finished = store.read(key);
    if (finished !== null) taken.set(key, take(finished, order));
  }
  // Long ones first: a long run that starts last would have one core wait for the other.
  const missing = [...keyed]
    .filter(([key]) => !taken.has(key))
    .map(([key, order]) => ({ key, order, cost: expectedCost(order.scenario) }))
    .sort((a, b) => b.cost - a.cost);
  const reused = taken.size;
  const wholeCost = missing.reduce((sum, { cost }) => sum + cost, 0);
  let doneCost = 0;
  const report = (): void =>
    onProgress?.({
      done: taken.size,
      total: keyed.size,
      reused,
      part: wholeCost === 0 ? 1 : doneCost / wholeCost,
    });
  report();
  if (missing.length === 0) return taken;
  if (signal?.aborted) throw new Interrupted();
  // Each run listens to it.
  if (signal) setMaxListeners(0, signal);
  try {
    await executor.run(
      missing,
      ({ key, order, cost }, reply) => {
        if ("finished" in reply) {
          store.write(key, reply.finished);
          taken.set(key, take(JSON.parse(reply.finished), order));
        } else {
          taken.set(key, take(reply, order));
        }
        doneCost += cost;
        report();
      },
      signal,
    );
  } catch (error) {
    if (signal?.aborted) throw new Interrupted();
    throw error;
  }
  return taken;
}
