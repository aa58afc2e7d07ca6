/** `trackvisor compare`: the same guests under each tracker, or several scenarios, in one table. */

import Table from "cli-table3";
import { Command } from "commander";
import { grouped } from "../config/figures.ts";
import type { Override } from "../config/override.ts";
import { UserError } from "../errors.ts";
import { note, print } from "../io/standardStreams.ts";
import { visible } from "../io/visible.ts";
import { itemAt } from "../lookup.ts";
import { answers, type ComparisonRow, compareRuns, percent } from "../questions/compare.ts";
import { type Candidate, runCandidates, underEach } from "../questions/comparison.ts";
import { type Contender, contenderNamed, contenders } from "../questions/contenders.ts";
import { buildLoaded, type LoadedScenario, loaderOf } from "../runs/scenarioFile.ts";
import { type RunSummary, summarize } from "../system/summary.ts";
import { drive } from "./drive.ts";
import { JSON_OPTION, printResult } from "./jsonFormats.ts";
import { IMPORT, importModules, SET, seedList, UNTIL } from "./optionParsers.ts";
import { DEFAULT_SCENARIO } from "./run.ts";

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

interface CompareOptions {
  readonly trackers?: readonly Contender[];
  readonly until?: string;
  readonly seeds?: readonly number[];
  readonly set: readonly Override[];
  readonly json?: true;
}

/** The command. Exit codes: 0 fine, 1 a run failed (docs/verdict.md), 2 bad input, 130 interrupted. */
export function compareCommand(): Command {
  return new Command("compare")
    .description("ways of tracking side by side: what each finds, and what it costs")
    .argument(
      "[name...]",
      `scenario or trace: one, to be run under each tracker, or several, each as it is (${DEFAULT_SCENARIO})`,
    )
    .option(
      "--trackers <names>",
      `some of ${contenders()
        .map(({ name }) => name)
        .join(", ")}`,
      (text: string) => text.split(",").map((name) => contenderNamed(name.trim())),
    )
    .option(...UNTIL)
    .option("--seeds <seeds>", "run with each, such as 1..5, and give means", seedList)
    .option(...SET)
    .option(...IMPORT)
    .hook("preAction", importModules)
    .option(...JSON_OPTION)
    .action(async (names: readonly string[], options: CompareOptions) => {
      const candidates = candidatesOf(names.length === 0 ? [DEFAULT_SCENARIO] : names, options);
      const compared = await runCandidates(
        candidates,
        options.seeds ?? null,
        commonOf(options),
        run,
      );
      if (compared === null) {
        process.exitCode = EXIT_INTERRUPTED;
        return;
      }
      const rows = compareRuns(compared.runs);
      const { refused } = compared;
      const sentences = answers(rows);
      if (options.json) {
        printResult("compare", { rows, refused, answers: sentences });
      } else {
        print(...tableOf(rows), "", ...sentences);
        for (const { name, why } of refused) print(`${name} cannot do this: ${why}`);
      }
      for (const { name, failures } of rows) {
        for (const failure of failures) note(`${name}: ${failure}`);
        if (failures.length > 0) process.exitCode = EXIT_FAILED;
      }
    });
}

function candidatesOf(names: readonly string[], { trackers }: CompareOptions): Candidate[] {
  if (names.length > 1) {
    if (trackers !== undefined) {
      throw new UserError("--trackers: of one scenario, not of several; each has its own tracker");
    }
    return names.map((name) => ({ name, load: loaderOf(name) }));
  }
  const name = itemAt(names, 0);
  return underEach({ name, load: loaderOf(name) }, trackers);
}

function commonOf({ until, set }: CompareOptions): Override[] {
  const given = until === undefined ? [] : [{ path: ["until"], value: until, origin: "--until" }];
  return [...given, ...set];
}

/** @returns null if it was interrupted */
async function run(loaded: LoadedScenario, label: string): Promise<RunSummary | null> {
  const { scenario } = loaded;
  const system = buildLoaded(loaded);
  const { interrupted, standstill } = await drive(system, scenario.until, { label });
  return interrupted ? null : summarize(system, standstill);
}

function tableOf(rows: readonly ComparisonRow[]): string[] {
  const table = new Table({
    head: [
      "tracker",
      "finds",
      "overhead",
      "exits",
      "IPIs",
      "pVM time",
      "memory",
      "found",
      "missed",
      "too many",
      "precision",
      "recall",
      "Jaccard",
    ],
    colAligns: ["left", "left", ...Array.from({ length: 11 }, () => "right" as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) {
    const { measures, intervals } = row;
    const cell = (
      name: keyof ComparisonRow["measures"],
      text: (value: number) => string,
    ): string => {
      const half = intervals[name];
      return half === 0 ? text(measures[name]) : `${text(measures[name])} ±${text(half)}`;
    };
    const whole = (value: number): string => grouped(Math.round(value));
    table.push([
      visible(row.name),
      row.findsWritten
        ? row.findsTouched
          ? "both"
          : "written"
        : row.findsTouched
          ? "touched"
          : "-",
      cell("overhead", percent),
      cell("exits", whole),
      cell("interrupts", whole),
      cell("pvmTime", (value) => `${value.toFixed(3)} ms`),
      cell("memory", (value) => `${grouped(Math.ceil(value / 1024))} KiB`),
      cell("found", whole),
      cell("missed", whole),
      cell("overReported", whole),
      cell("precision", (value) => value.toFixed(3)),
      cell("recall", (value) => value.toFixed(3)),
      cell("jaccard", (value) => value.toFixed(3)),
    ]);
  }
  return table.toString().split("\n");
}
