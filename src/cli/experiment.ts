/** `trackvisor experiment`: the published study's experiments, and what goes beyond it. */
import { join } from "node:path";
import { Command } from "commander";
import { UserError } from "../errors.ts";
import { EXPERIMENTS, experimentsNamed } from "../experiments/all.ts";
import { BrokenRun } from "../experiments/runPoint.ts";
import { FULL, QUICK } from "../experiments/scale.ts";
import { defaultSeeds, SEEDS_MAX } from "../experiments/seeds.ts";
import {
  type ExperimentAsked,
  type ExperimentShare,
  outcomesOf,
  runShare,
  scaleOf,
} from "../experiments/share.ts";
import { makeDirectory, refuseUnwritable, writeOutput } from "../io/outputFile.ts";
import { note, print } from "../io/standardStreams.ts";
import type { QueueAddress } from "../queue/address.ts";
import { codeVersion } from "../runs/codeVersion.ts";
import { RunStore } from "../runs/runStore.ts";
import { parseShard, type Shard } from "../shares/shard.ts";
import { shareText } from "../shares/shareFile.ts";
import {
  deliverOutcomes,
  EXPERIMENT_DIRECTORY,
  type ExperimentOutput,
  PROVENANCE,
  refuseOutcomes,
} from "./experimentOutput.ts";
import { JSON_OPTION, printResult } from "./jsonFormats.ts";
import { LIVE, refuseLive } from "./live.ts";
import { FORCE, wholeNumber } from "./optionParsers.ts";
import { noteDamaged } from "./output.ts";
import { type RunsAct, WORKERS, withProgress } from "./poolOptions.ts";
import { provenance } from "./provenance.ts";
import { queueOption, withQueue } from "./queue.ts";
import { experimentSeen } from "./runsLive.ts";
import { claimsCommand, sensitivityCommand } from "./sensitivity.ts";

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

interface RunOptions extends ExperimentOutput {
  readonly quick?: true;
  readonly seeds?: number;
  readonly workers?: number;
  readonly queue?: QueueAddress;
  readonly shard?: Shard;
  readonly output?: string;
  readonly live?: true;
}

/** The command. Exit codes: 0 fine, 1 a run lost a page or got stuck, 2 bad input, 130 interrupted. */
export function experimentCommand(): Command {
  const command = new Command("experiment").description(
    "reproduce the published study: each figure with its emulated counterpart",
  );
  command
    .command("list")
    .description("name all experiments")
    .option(...JSON_OPTION)
    .action(({ json }: { json?: true }) => {
      const list = EXPERIMENTS.map(({ name, title, source }) => ({ name, title, source }));
      if (json) printResult("experiments", { experiments: list });
      else print(...list.map(({ name, title }) => `${name.padEnd(18)}${title}`));
    });
  command
    .command("run")
    .description("run one experiment, or all; what was interrupted goes on")
    .argument("<name>", "an experiment's name, or all")
    .option("--quick", `times and sizes divided by ${QUICK.divisor}`)
    .option(
      "--seeds <n>",
      `seeds of each run that chance enters (${defaultSeeds(FULL)}, with --quick ${defaultSeeds(QUICK)})`,
      wholeNumber(1, SEEDS_MAX),
    )
    .option(...JSON_OPTION)
    .option("--out <directory>", "where results go", EXPERIMENT_DIRECTORY)
    .option(...FORCE)
    .option(...WORKERS)
    .addOption(queueOption())
    .option("--shard <i/n>", "only this share of the runs, of n; see merge", parseShard)
    .option("-o, --output <file>", "write the runs' results, for merge")
    .option(...LIVE)
    .action(run);
  command.addCommand(claimsCommand());
  command.addCommand(sensitivityCommand());
  return command;
}

async function run(name: string, options: RunOptions): Promise<void> {
  const scale = options.quick ? QUICK : FULL;
  const seeds = options.seeds ?? defaultSeeds(scale);
  const asked: ExperimentAsked = { experiment: name, scale: scale.name, seeds };
  const { shard = null, output, force } = options;
  refuseAll(name, options);
  refuseLive(options);
  const begun = Date.now();
  let reused = 0;
  const share = await runOrNull(asked, shard, options, (count) => {
    reused = count;
  });
  if (share === null) return;
  // Work that was done is kept before anything else is made of it.
  if (output !== undefined) writeOutput(output, shareText(share), { force });
  if (shard === null) {
    deliverOutcomes(name, scaleOf(asked), await outcomesOf({ file: name, share }), options);
    const what = `trackvisor experiment run ${name}${options.quick ? " --quick" : ""}${options.seeds === undefined ? "" : ` --seeds ${seeds}`}`;
    const seconds = (Date.now() - begun) / 1000;
    const text = provenance(what, { runs: share.count, reused, seeds, seconds });
    writeOutput(join(options.out, PROVENANCE), text, { force });
  } else if (options.json) {
    printResult("experiment", share);
  } else {
    print(`${share.items.length} of ${share.count} runs: ${output}`);
  }
}

/** What could not be written afterwards is said before the runs, and not after them. @throws UserError */
function refuseAll(name: string, options: RunOptions): void {
  const { shard, output, out } = options;
  experimentsNamed(name);
  if (shard === undefined) {
    refuseOutcomes(name, options);
  } else {
    if (output === undefined) throw new UserError("--shard goes with -o FILE, for merge");
    makeDirectory(out);
  }
  if (output !== undefined) refuseUnwritable(output, options);
}

/** @returns null if there is no result: why not was said */
async function runOrNull(
  asked: ExperimentAsked,
  shard: Shard | null,
  { out, workers, queue, live: isLive }: RunOptions,
  onReused: (count: number) => void,
): Promise<ExperimentShare | null> {
  const store = new RunStore(join(out, "points"), codeVersion(), noteDamaged);
  const live = isLive ? experimentSeen(asked.experiment) : null;
  const onRun = live === null ? {} : { onRun: live.onRun };
  const act: RunsAct<ExperimentShare> = (signal, onProgress) =>
    withQueue(queue, (executor) =>
      runShare(asked, shard, {
        ...{ store, executor, workers, signal, ...onRun },
        onProgress: (progress) => {
          onReused(progress.reused);
          onProgress("runs", progress);
        },
      }),
    );
  const kept = `interrupted; finished runs are in ${out}, the same command goes on`;
  try {
    const share = await withProgress(act, { live, kept });
    if (share === null) process.exitCode = EXIT_INTERRUPTED;
    return share;
  } catch (error) {
    if (!(error instanceof BrokenRun)) throw error;
    note(error.message);
    process.exitCode = EXIT_FAILED;
    return null;
  }
}
