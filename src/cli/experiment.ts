/** `trackvisor experiment`: the published study's experiments, and what goes beyond it. */
import { join } from "node:path";
import Table from "cli-table3";
import { Command } from "commander";
import { EXPERIMENTS, experimentsNamed } from "../experiments/all.ts";
import { codeVersion } from "../experiments/codeVersion.ts";
import { makeDirectory, writeText } from "../experiments/files.ts";
import { type Outcome, outcomeOf } from "../experiments/outcome.ts";
import { PointStore } from "../experiments/pointStore.ts";
import { countVerdicts, htmlReport, markdownReport } from "../experiments/report.ts";
import { Interrupted, runExperiments } from "../experiments/runner.ts";
import { FULL, QUICK, type Scale } from "../experiments/scale.ts";
import { cells, dataToCsv, rowsToCsv, TABLE_HEADER } from "../experiments/tables.ts";
import { wholeNumber } from "./optionParsers.ts";
import { ProgressLine } from "./progress.ts";

const DEFAULT_DIRECTORY = "experiments";
const EXIT_INTERRUPTED = 130;
const WORKERS_MAX = 256;

interface RunOptions {
  readonly quick?: true;
  readonly json?: true;
  readonly out: string;
  readonly workers?: number;
}

/** The command. Exit codes: 0 fine, 2 bad input, 130 interrupted. */
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
      const text = json
        ? JSON.stringify(list)
        : list.map(({ name, title }) => `${name.padEnd(18)}${title}`).join("\n");
      process.stdout.write(`${text}\n`);
    });
  command
    .command("run")
    .description("run one experiment, or all; what was interrupted goes on")
    .argument("<name>", "an experiment's name, or all")
    .option("--quick", `times and sizes divided by ${QUICK.divisor}`)
    .option("--json", "print one JSON object")
    .option("--out <directory>", "where results go", DEFAULT_DIRECTORY)
    .option(
      "--workers <count>",
      "threads; default: one for each processor",
      wholeNumber(1, WORKERS_MAX),
    )
    .action(run);
  return command;
}

async function run(name: string, options: RunOptions): Promise<void> {
  const experiments = experimentsNamed(name);
  const scale = options.quick ? QUICK : FULL;
  makeDirectory(options.out);
  const store = new PointStore(join(options.out, "points"), codeVersion());
  const progress = new ProgressLine();
  const controller = new AbortController();
  const interrupt = () => controller.abort();
  process.once("SIGINT", interrupt);
  let outcomes: readonly Outcome[];
  try {
    const results = await runExperiments(experiments, {
      scale,
      store,
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
    });
    outcomes = await Promise.all(
      experiments.map((experiment, i) => outcomeOf(experiment, results[i]!, scale)),
    );
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.stderr.write(
      `trackvisor: interrupted; finished runs are in ${options.out}, the same command goes on\n`,
    );
    process.exitCode = EXIT_INTERRUPTED;
    return;
  } finally {
    progress.clear();
    process.removeListener("SIGINT", interrupt);
  }
  for (const outcome of outcomes) writeOutcome(options.out, outcome);
  if (name === "all") {
    writeText(join(options.out, "report.html"), htmlReport(outcomes, scale));
    writeText(join(options.out, "report.md"), markdownReport(outcomes, scale));
  }
  process.stdout.write(options.json ? `${json(outcomes, scale)}\n` : text(outcomes, options.out));
}

/** Rows as CSV and JSON, and of each plot its drawing and its data. */
function writeOutcome(directory: string, { experiment, rows, plots, findings }: Outcome): void {
  const path = (ending: string): string => join(directory, `${experiment.name}${ending}`);
  writeText(path(".csv"), rowsToCsv(rows));
  writeText(path(".json"), `${JSON.stringify({ rows, findings }, null, 1)}\n`);
  for (const [i, { data, svg }] of plots.entries()) {
    writeText(path(`-plot${i + 1}.svg`), svg);
    writeText(path(`-plot${i + 1}.csv`), dataToCsv(data));
  }
}

function json(outcomes: readonly Outcome[], scale: Scale): string {
  return JSON.stringify({
    scale: scale.name,
    experiments: outcomes.map(({ experiment, rows, findings }) => ({
      name: experiment.name,
      title: experiment.title,
      source: experiment.source,
      rows,
      findings,
    })),
  });
}

function text(outcomes: readonly Outcome[], directory: string): string {
  const parts = outcomes.map(({ experiment, rows, findings }) => {
    const table = new Table({
      head: [...TABLE_HEADER],
      colAligns: ["left", "right", "right", "right", "left"],
      style: { head: [], border: [], compact: true },
    });
    for (const row of rows) table.push([...cells(row)]);
    const notes = findings.map((finding) => `\n  ${finding}`).join("");
    return `${experiment.title}\n${table.toString()}\n${countVerdicts(rows)}${notes}\n`;
  });
  return `${parts.join("\n")}\nresults are in ${directory}\n`;
}
