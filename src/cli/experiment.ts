/** `trackvisor experiment`: the published study's experiments, and what goes beyond it. */
import { join } from "node:path";
import Table from "cli-table3";
import { Command } from "commander";
import { EXPERIMENTS, experimentsNamed } from "../experiments/all.ts";
import { type Outcome, outcomeOf } from "../experiments/outcome.ts";
import { countVerdicts, htmlReport, markdownReport } from "../experiments/report.ts";
import { Interrupted, runExperiments } from "../experiments/runner.ts";
import { BrokenRun } from "../experiments/runPoint.ts";
import { FULL, QUICK, type Scale } from "../experiments/scale.ts";
import { cells, dataToCsv, rowsToCsv, TABLE_HEADER } from "../experiments/tables.ts";
import { makeDirectory, refuseUnwritable, writeOutput } from "../io/outputFile.ts";
import { note, print, printJson } from "../io/standardStreams.ts";
import { jsonText, visible } from "../io/visible.ts";
import type { QueueAddress } from "../queue/address.ts";
import { codeVersion } from "../runs/codeVersion.ts";
import { RunStore } from "../runs/runStore.ts";
import { FORCE, wholeNumber } from "./optionParsers.ts";
import { noteDamaged } from "./output.ts";
import { ProgressLine } from "./progress.ts";
import { queueOption, withQueue } from "./queue.ts";

const DEFAULT_DIRECTORY = "experiments";
const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;
const WORKERS_MAX = 256;
const REPORTS = ["report.html", "report.md"] as const;

interface RunOptions {
  readonly quick?: true;
  readonly json?: true;
  readonly out: string;
  readonly workers?: number;
  readonly queue?: QueueAddress;
  readonly force?: true;
}

/** The command. Exit codes: 0 fine, 1 a run lost a page or got stuck, 2 bad input, 130 interrupted. */
export function experimentCommand(): Command {
  const command = new Command("experiment").description(
    "reproduce the published study: each figure with its emulated counterpart",
  );
  command
    .command("list")
    .description("name all experiments")
    .option("--json", "print one JSON object")
    .action(({ json }: { json?: true }) => {
      const list = EXPERIMENTS.map(({ name, title, source }) => ({ name, title, source }));
      if (json) printJson(list);
      else print(...list.map(({ name, title }) => `${name.padEnd(18)}${title}`));
    });
  command
    .command("run")
    .description("run one experiment, or all; what was interrupted goes on")
    .argument("<name>", "an experiment's name, or all")
    .option("--quick", `times and sizes divided by ${QUICK.divisor}`)
    .option("--json", "print one JSON object")
    .option("--out <directory>", "where results go", DEFAULT_DIRECTORY)
    .option(...FORCE)
    .option(
      "--workers <count>",
      "threads; default: one for each processor",
      wholeNumber(1, WORKERS_MAX),
    )
    .addOption(queueOption())
    .action(run);
  return command;
}

async function run(name: string, options: RunOptions): Promise<void> {
  const experiments = experimentsNamed(name);
  const scale = options.quick ? QUICK : FULL;
  makeDirectory(options.out);
  // What could not be written afterwards is said before the runs, and not after them.
  const results = experiments.flatMap((one) => [`${one.name}.csv`, `${one.name}.json`]);
  refuseResults(options, name === "all" ? [...results, ...REPORTS] : results);
  const store = new RunStore(join(options.out, "points"), codeVersion(), noteDamaged);
  const progress = new ProgressLine();
  const controller = new AbortController();
  const interrupt = () => controller.abort();
  process.once("SIGINT", interrupt);
  let outcomes: readonly Outcome[];
  try {
    const all = await withQueue(options.queue, (executor) =>
      runExperiments(experiments, {
        scale,
        store,
        executor,
        workers: options.workers,
        signal: controller.signal,
        onProgress: ({ done, total, reused, part }) => {
          const text = reused === 0 ? "" : ` (${reused} from before)`;
          progress.update(
            `${done} of ${total} runs${text}`,
            part,
            1,
            (seconds) => `${((60 * (done - reused)) / seconds).toFixed(1)} runs/min`,
          );
        },
      }),
    );
    outcomes = await Promise.all(
      experiments.map((experiment, i) => outcomeOf(experiment, all[i]!, scale)),
    );
  } catch (error) {
    if (error instanceof BrokenRun) {
      note(error.message);
      process.exitCode = EXIT_FAILED;
      return;
    }
    if (!(error instanceof Interrupted)) throw error;
    note(`interrupted; finished runs are in ${options.out}, the same command goes on`);
    process.exitCode = EXIT_INTERRUPTED;
    return;
  } finally {
    progress.clear();
    process.removeListener("SIGINT", interrupt);
  }
  const files = outcomes.flatMap(filesOf);
  if (name === "all") {
    files.push(
      [REPORTS[0], htmlReport(outcomes, scale)],
      [REPORTS[1], markdownReport(outcomes, scale)],
    );
  }
  refuseResults(
    options,
    files.map(([file]) => file),
  );
  for (const [file, contents] of files) {
    writeOutput(join(options.out, file), contents, { force: options.force });
  }
  if (options.json) printJson(asJson(outcomes, scale));
  else print(...linesOf(outcomes, options.out));
}

/** @throws UserError if one of them is there already and may not be replaced */
function refuseResults({ out, force }: RunOptions, files: readonly string[]): void {
  for (const file of files) refuseUnwritable(join(out, file), { force });
}

/** Name and contents of each file: rows as CSV and JSON, and of each plot its drawing and its data. */
function filesOf({ experiment, rows, plots, findings }: Outcome): [string, string][] {
  const { name } = experiment;
  return [
    [`${name}.csv`, rowsToCsv(rows)],
    [`${name}.json`, `${jsonText({ rows, findings }, 1)}\n`],
    ...plots.flatMap(({ data, svg }, i): [string, string][] => [
      [`${name}-plot${i + 1}.svg`, svg],
      [`${name}-plot${i + 1}.csv`, dataToCsv(data)],
    ]),
  ];
}

function asJson(outcomes: readonly Outcome[], scale: Scale): object {
  return {
    scale: scale.name,
    experiments: outcomes.map(({ experiment, rows, findings }) => ({
      name: experiment.name,
      title: experiment.title,
      source: experiment.source,
      rows,
      findings,
    })),
  };
}

function linesOf(outcomes: readonly Outcome[], directory: string): string[] {
  const lines = outcomes.flatMap(({ experiment, rows, findings }) => {
    const table = new Table({
      head: [...TABLE_HEADER],
      colAligns: ["left", "right", "right", "right", "left"],
      style: { head: [], border: [], compact: true },
    });
    for (const row of rows) table.push(cells(row).map(visible));
    const notes = findings.map((finding) => `  ${finding}`);
    return [experiment.title, ...table.toString().split("\n"), countVerdicts(rows), ...notes, ""];
  });
  return [...lines, `results are in ${directory}`];
}
