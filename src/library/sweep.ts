/** The same guests with other parameters, from a program. */
import { UserError } from "../errors.ts";
import { defaultMetrics, metricNamed } from "../questions/metrics.ts";
import { type Axis, axisOf, parseVary, settingOf } from "../questions/sweep/axis.ts";
import { planSweep, type SweepPlan, tryOutPoints } from "../questions/sweep/plan.ts";
import { countRuns } from "../questions/sweep/points.ts";
import type { SweepResult } from "../questions/sweep/result.ts";
import { resultOf } from "../questions/sweep/share.ts";
import { runPoints } from "../questions/sweep/sweepRuns.ts";
import { codeVersion, measuringVersion } from "../runs/codeVersion.ts";
import { Interrupted, type RunProgress } from "../runs/pool.ts";
import { RunStore } from "../runs/runStore.ts";
import {
  type Fields,
  loaderOfSource,
  overridesOf,
  type ScenarioFields,
  type ScenarioSettings,
} from "./scenario.ts";

export interface SweepSettings extends ScenarioSettings {
  /** Of each field its values: a list, or a text as `--vary` has it, such as "64..512*2". All combinations are run. */
  readonly vary?: Readonly<Record<string, readonly unknown[] | string>>;
  /** Points that are listed: of each what it sets. With `vary`, each is combined with those values. */
  readonly points?: readonly Fields[];
  /** Each point is run with all of these; the scenario's own seed if not given. */
  readonly seeds?: readonly number[];
  /** Names of what is measured (docs/sweep.md); if not given, what `trackvisor sweep` measures. */
  readonly metrics?: readonly string[];
  /** Threads; one for each processor if not given. */
  readonly workers?: number;
  /** A directory where finished runs are kept, so that none is done twice; nothing is kept if not given. */
  readonly store?: string;
  /** Ends it early: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called when a run has ended. `what`: which runs they are. */
  readonly onProgress?: (what: string, progress: RunProgress) => void;
}

/**
 * Runs a scenario with other values of its fields, on several threads. The result is the same on any number of them.
 * @returns what `trackvisor sweep -o` writes: of each point its runs, and of each metric the mean, with half the
 *   width of its 95 % interval
 * @throws UserError if there is nothing to vary, or a point cannot be run: then none is
 */
export async function sweep(
  source: string | ScenarioFields,
  settings: SweepSettings,
): Promise<SweepResult> {
  const { store: directory = null, workers, signal, onProgress } = settings;
  const plan = planOf(source, settings);
  const store = new RunStore(directory, codeVersion());
  refuse(tryOutPoints(plan.points, (order) => store.has(order)));
  try {
    const points = await runPoints(plan.points, plan, {
      ...{ store, workers },
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    return resultOf(plan, points, measuringVersion(), null);
  } catch (error) {
    throw error instanceof Interrupted && signal?.aborted ? signal.reason : error;
  }
}

function planOf(source: string | ScenarioFields, settings: SweepSettings): SweepPlan {
  const { set, directory, vary = {}, points, seeds = null, metrics } = settings;
  const axes = [
    ...(points === undefined ? [] : [listed(points)]),
    ...Object.entries(vary).map(([field, values]) => varied(field, values)),
  ];
  countRuns(axes, seeds?.length ?? 1);
  const named = metrics?.map((name) => metricNamed(name, "metrics"));
  const plan = planSweep({
    load: loaderOfSource(source, directory),
    common: overridesOf(set),
    ...{ axes, seeds },
    metrics: (operations) => named ?? defaultMetrics(operations),
  });
  if (!("problems" in plan)) return plan;
  refuse(plan.problems);
  throw new Error("a plan without points has no problems");
}

function varied(field: string, values: readonly unknown[] | string): Axis {
  if (typeof values === "string") return parseVary(`${field}=${values}`, "vary");
  return axisOf(values.flatMap((value) => overridesOf({ [field]: value })));
}

function listed(points: readonly Fields[]): Axis {
  if (points.length === 0) throw new UserError("points: expected points, the list is empty");
  const steps = points.map((point) => overridesOf(point).map(settingOf));
  return { fields: [...new Set(steps.flat().map(({ field }) => field))], steps };
}

/** All mistakes in one line. */
function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new UserError(problems.join("; "));
}
