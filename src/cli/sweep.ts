/** `trackvisor sweep`: the same guests with other parameters, on all cores. */
import { Command } from "commander";
import { grouped } from "../config/figures.ts";
import type { Override } from "../config/override.ts";
import { UserError } from "../errors.ts";
import { readText } from "../io/inputFile.ts";
import { note } from "../io/standardStreams.ts";
import { defaultMetrics, METRICS, type Metric, metricNamed } from "../questions/metrics.ts";
import { type Axis, parseVary } from "../questions/sweep/axis.ts";
import { listedPoints } from "../questions/sweep/listedPoints.ts";
import {
  type PlannedPoint,
  type Problems,
  planSweep,
  type SweepPlan,
  tryOutPoints,
} from "../questions/sweep/plan.ts";
import { countRuns } from "../questions/sweep/points.ts";
import type { PointResult } from "../questions/sweep/result.ts";
import { resultOf } from "../questions/sweep/share.ts";
import { runPoints } from "../questions/sweep/sweepRuns.ts";
import type { QueueAddress } from "../queue/address.ts";
import { codeVersion, measuringVersion } from "../runs/codeVersion.ts";
import type { Executor } from "../runs/executor.ts";
import { RunStore } from "../runs/runStore.ts";
import { loaderOf } from "../runs/scenarioFile.ts";
import { isOfShard, parseShard, type Shard } from "../shares/shard.ts";
import { LIVE, refuseLive } from "./live.ts";
import { IMPORT, importModules, SET, seedList, UNTIL } from "./optionParsers.ts";
import { noteDamaged } from "./output.ts";
import { defaultStore, RUNS_UNASKED, STORE, WORKERS, withProgress, YES } from "./poolOptions.ts";
import { queueOption, withQueue } from "./queue.ts";
import { sweepSeen } from "./runsLive.ts";
import { deliver, refuseOutputs, type SweepOutput, withOutputs } from "./sweepOutput.ts";

const EXIT_INTERRUPTED = 130;
const POINTS_BYTES_MAX = 64 << 20;
/** Mistakes that are told one by one. */
const PROBLEMS_MAX = 20;

interface SweepOptions extends SweepOutput {
  readonly vary: readonly Axis[];
  readonly points?: string;
  readonly seeds?: readonly number[];
  readonly metric?: readonly Metric[];
  readonly until?: string;
  readonly set: readonly Override[];
  readonly workers?: number;
  readonly queue?: QueueAddress;
  readonly store?: string;
  readonly shard?: Shard;
  readonly yes?: true;
  readonly live?: true;
}

/** The command. Exit codes: 0 fine, 1 a run failed (docs/verdict.md), 2 bad input, 130 interrupted. */
export function sweepCommand(): Command {
  const command = new Command("sweep")
    .description("the same guests with other parameters: table, plot, files (docs/sweep.md)")
    .argument("<scenario>", "scenario or trace")
    .option(
      "--vary <field=values>",
      "values of a field, and ranges of them: writeProtect,presentBit or 64..512*2 or 1ms..9ms+2ms; may be repeated",
      (text: string, before: readonly Axis[]) => [...before, parseVary(text)],
      [],
    )
    .option("--points <file>", "points from a file: a table in CSV, a list in JSON or YAML")
    .option("--seeds <seeds>", "run each point with each, such as 1..5, and give means", seedList)
    .option("--metric <names>", `some of ${METRICS.map(({ name }) => name).join(", ")}`, metricList)
    .option(...UNTIL)
    .option(...SET)
    .option(...IMPORT)
    .hook("preAction", importModules)
    .option(...WORKERS)
    .addOption(queueOption())
    .option(...STORE)
    .option("--shard <i/n>", "only this share of the points, of n; see merge", parseShard)
    .option(...YES)
    .option(...LIVE);
  return withOutputs(command).action(sweep);
}

function metricList(text: string): Metric[] {
  const metrics = text.split(",").map((name) => metricNamed(name.trim()));
  const twice = metrics.find((one, n) => metrics.indexOf(one) !== n);
  if (twice !== undefined) throw new UserError(`--metric: has "${twice.name}" twice`);
  return metrics;
}

async function sweep(name: string, options: SweepOptions): Promise<void> {
  refuseOutputs(options);
  refuseLive(options);
  const plan = planOf(name, options);
  const { shard = null } = options;
  const store = new RunStore(options.store ?? defaultStore(), codeVersion(), noteDamaged);
  const problems = tryOutPoints(shareOf(plan, options), (order) => store.has(order));
  if (problems.length > 0) throw refusal(problems);
  const points = await withQueue(options.queue, (executor) =>
    runShare(plan, store, options, executor),
  );
  if (points === null) process.exitCode = EXIT_INTERRUPTED;
  else await deliver(resultOf(plan, points, measuringVersion(), shard), options);
}

/** @throws UserError, after a line for each mistake where there are several */
function planOf(name: string, options: SweepOptions): SweepPlan {
  const { seeds, points: file, vary, until, set, metric, yes } = options;
  const listed = file === undefined ? [] : [listedPoints(file, readText(file, POINTS_BYTES_MAX))];
  const axes = [...listed, ...vary];
  const runs = countRuns(axes, seeds?.length ?? 1);
  if (runs > RUNS_UNASKED && !yes) {
    throw new UserError(`a sweep of ${grouped(runs)} runs; give --yes to run that many`);
  }
  const plan = planSweep({
    load: loaderOf(name),
    common: [
      ...(until === undefined ? [] : [{ path: ["until"], value: until, origin: "--until" }]),
      ...set,
    ],
    axes,
    seeds: seeds ?? null,
    metrics: (operations) => metric ?? defaultMetrics(operations),
  });
  if ("problems" in plan) throw refusal(plan.problems);
  return plan;
}

/** Of several mistakes each has a line of its own, and the error says how many there are. */
function refusal(problems: Problems): UserError {
  const [only, ...others] = problems;
  if (only !== undefined && others.length === 0) return new UserError(only);
  for (const problem of problems.slice(0, PROBLEMS_MAX)) note(problem);
  return new UserError(`${problems.length} mistakes; nothing was run`);
}

function shareOf({ points }: SweepPlan, { shard }: SweepOptions): readonly PlannedPoint[] {
  return shard === undefined ? points : points.filter(({ index }) => isOfShard(index, shard));
}

/** @returns null if it was interrupted */
function runShare(
  plan: SweepPlan,
  store: RunStore,
  options: SweepOptions,
  executor: Executor | undefined,
): Promise<PointResult[] | null> {
  const { workers } = options;
  const live = options.live ? sweepSeen(plan) : null;
  const onRun = live === null ? {} : { onRun: live.onRun };
  return withProgress(
    (signal, onProgress) => {
      const pool = { store, workers, executor, signal, onProgress, ...onRun };
      return runPoints(shareOf(plan, options), plan, pool);
    },
    { live },
  );
}
