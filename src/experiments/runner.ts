/** Does the runs of experiments. */

import { UserError } from "../errors.ts";
import { present } from "../lookup.ts";
import { type Ended, type PoolOptions, runAll } from "../runs/pool.ts";
import { RunIdentity } from "../runs/runIdentity.ts";
import { planScenario } from "../system/build.ts";
import type { RunSummary } from "../system/summary.ts";
import type { Experiment, Results } from "./experiment.ts";
import { BrokenRun } from "./runPoint.ts";
import type { Scale } from "./scale.ts";
import { ordersOf, type SeededOrder } from "./seeds.ts";

export { Interrupted, type RunProgress } from "../runs/pool.ts";

/** The runs of experiments, each once, whoever asks for it how often. */
export interface ExperimentRuns {
  readonly runs: readonly SeededOrder[];
  /** What tells each of them from the others. */
  readonly identities: readonly string[];
  /** Of each experiment, by seed: where its points are among the runs, by their names. */
  readonly places: readonly (readonly ReadonlyMap<string, number>[])[];
}

/** @param seeds of each run that chance enters */
export function runsOf(
  experiments: readonly Experiment[],
  scale: Scale,
  seeds: number,
): ExperimentRuns {
  const identity = new RunIdentity();
  const known = new Map<string, number>();
  const runs: SeededOrder[] = [];
  const placeOf = (order: SeededOrder): number => {
    const digest = identity.of(order);
    const place = known.get(digest) ?? runs.length;
    if (place === runs.length) runs.push(order);
    known.set(digest, place);
    return place;
  };
  const places = experiments.map((experiment) =>
    Array.from({ length: seeds }, (_, replica) => {
      const orders = ordersOf(experiment, scale, replica);
      return new Map(orders.map(([point, order]) => [point, placeOf(order)]));
    }),
  );
  return { runs, identities: [...known.keys()], places };
}

export interface ExperimentPool extends PoolOptions {
  /** Hears of each run when it has ended. */
  readonly onRun?: (order: SeededOrder, summary: RunSummary) => void;
}

/**
 * @returns their summaries, in their order
 * @throws Interrupted
 * @throws BrokenRun if a run broke what no run may
 * @throws UserError if a run cannot be done on this machine, or its result cannot be written
 */
export async function doRuns(
  runs: readonly SeededOrder[],
  { onRun, ...pool }: ExperimentPool,
): Promise<readonly RunSummary[]> {
  for (const order of runs) if (!pool.store.has(order)) refuseMistakes(order);
  const summaries = await runAll(
    runs,
    (ended, order) => {
      const summary = summaryOf(ended, order);
      onRun?.(order, summary);
      return summary;
    },
    pool,
  );
  return runs.map((order) => present(summaries.get(pool.store.key(order)), "the summary of a run"));
}

/** Before any run begins. @throws UserError with the run's name and fields */
function refuseMistakes({ name, scenario, directory }: SeededOrder): void {
  try {
    planScenario(scenario, directory);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.lines.map((line) => `run "${name}": ${line}`));
  }
}

/** The results of each experiment with each seed, from the summaries of all runs. */
export function resultsOf(
  { places }: ExperimentRuns,
  summaries: readonly RunSummary[],
): readonly (readonly Results[])[] {
  return places.map((seeds) =>
    seeds.map((own) => (name) => {
      const summary = summaries[own.get(name) ?? -1];
      if (summary === undefined) throw new Error(`there is no run "${name}"`);
      return summary;
    }),
  );
}

function summaryOf(ended: Ended, { name }: SeededOrder): RunSummary {
  if ("problem" in ended) throw new UserError(`run "${name}": ${ended.problem}`);
  if (ended.broken !== null) throw new BrokenRun(`run "${name}": ${ended.broken}`);
  return ended.summary;
}
