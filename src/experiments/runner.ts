/** Does the runs of experiments. */
import { UserError } from "../errors.ts";
import { type Ended, type PoolOptions, runAll } from "../runs/pool.ts";
import type { RunOrder } from "../runs/runOrder.ts";
import type { RunSummary } from "../system/summary.ts";
import type { Experiment, Results } from "./experiment.ts";
import { BrokenRun, orderOf } from "./runPoint.ts";
import type { Scale } from "./scale.ts";

export { Interrupted, type RunProgress } from "../runs/pool.ts";

export interface RunnerOptions extends PoolOptions {
  readonly scale: Scale;
}

interface PointOrder extends RunOrder {
  readonly name: string;
}

/**
 * @returns of each experiment, in order, its results
 * @throws Interrupted
 * @throws BrokenRun if a run broke what no run may
 * @throws UserError if a run cannot be done on this machine, or its result cannot be written
 */
export async function runExperiments(
  experiments: readonly Experiment[],
  { scale, ...pool }: RunnerOptions,
): Promise<readonly Results[]> {
  const orders = experiments.map((experiment) =>
    experiment
      .points(scale)
      .map(({ name, scenario }): PointOrder => ({ name, ...orderOf(scenario) })),
  );
  const summaries = await runAll(orders.flat(), summaryOf, pool);
  return orders.map((own) => {
    const byName = new Map(own.map((order) => [order.name, pool.store.key(order)]));
    return (name) => {
      const summary = summaries.get(byName.get(name) ?? "");
      if (summary === undefined) throw new Error(`there is no run "${name}"`);
      return summary;
    };
  });
}

function summaryOf(ended: Ended, { name }: PointOrder): RunSummary {
  if ("problem" in ended) throw new UserError(`run "${name}": ${ended.problem}`);
  if (ended.broken !== null) throw new BrokenRun(`run "${name}": ${ended.broken}`);
  return ended.summary;
}
