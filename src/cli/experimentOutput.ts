/** Where the outcomes of experiments go: the screen, and a directory of files. */
import { join } from "node:path";
import Table from "cli-table3";
import { experimentsNamed } from "../experiments/all.ts";
import { claimLines, countClaims } from "../experiments/claimsReport.ts";
import type { Row } from "../experiments/experiment.ts";
import type { Outcome } from "../experiments/outcome.ts";
import { countVerdicts, htmlReport, markdownReport } from "../experiments/report.ts";
import type { Scale } from "../experiments/scale.ts";
import { chanceText } from "../experiments/seeds.ts";
import { cells, dataToCsv, rowsToCsv, rowsToLatex, TABLE_HEADER } from "../experiments/tables.ts";
import { makeDirectory, refuseUnwritable, writeOutput } from "../io/outputFile.ts";
import { print } from "../io/standardStreams.ts";
import { jsonText, visible } from "../io/visible.ts";
import { formatted, type JsonFormats, printResult } from "./jsonFormats.ts";

export const EXPERIMENT_DIRECTORY = "experiments";
export const PROVENANCE = "provenance.txt";
const REPORTS = ["report.html", "report.md"] as const;

export interface ExperimentOutput {
  readonly out: string;
  readonly json?: true;
  readonly force?: true;
}

/** Says before the runs what could not be written after them. @param name of an experiment, or all @throws UserError */
export function refuseOutcomes(name: string, options: ExperimentOutput): void {
  makeDirectory(options.out);
  const files = experimentsNamed(name).flatMap((one) => [
    `${one.name}.csv`,
    `${one.name}.json`,
    `${one.name}.tex`,
  ]);
  refuseResults(options, name === "all" ? [...files, ...REPORTS] : files);
}

/** Writes and prints. @throws UserError */
export function deliverOutcomes(
  name: string,
  scale: Scale,
  outcomes: readonly Outcome[],
  options: ExperimentOutput,
): void {
  const { out, json, force } = options;
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
  for (const [file, contents] of files) writeOutput(join(out, file), contents, { force });
  if (json) printResult("experiment run", asJson(outcomes, scale));
  else print(...linesOf(outcomes, out));
}

/** @throws UserError if one of them is there already and may not be replaced */
function refuseResults({ out, force }: ExperimentOutput, files: readonly string[]): void {
  for (const file of files) refuseUnwritable(join(out, file), { force });
}

/** Name and contents of each file: rows as CSV and JSON, and of each plot its drawing and its data. */
function filesOf({ experiment, rows, plots, findings }: Outcome): [string, string][] {
  const { name } = experiment;
  return [
    [`${name}.csv`, rowsToCsv(rows)],
    [
      `${name}.json`,
      `${jsonText(formatted("experiment result", { rows: rows.map(rowAsJson), findings }), 1)}\n`,
    ],
    [`${name}.tex`, rowsToLatex(rows)],
    ...plots.flatMap(({ data, svg }, i): [string, string][] => [
      [`${name}-plot${i + 1}.svg`, svg],
      [`${name}-plot${i + 1}.csv`, dataToCsv(data)],
    ]),
  ];
}

function asJson(outcomes: readonly Outcome[], scale: Scale): JsonFormats["experiment run"] {
  return {
    scale: scale.name,
    experiments: outcomes.map(({ experiment, rows, findings }) => ({
      name: experiment.name,
      title: experiment.title,
      source: experiment.source,
      rows: rows.map(rowAsJson),
      findings,
    })),
  };
}

/** What has no number is null: JSON has no NaN. */
function rowAsJson(row: Row): JsonFormats["experiment result"]["rows"][number] {
  const known = (value: number): number | null => (Number.isNaN(value) ? null : value);
  const { emulated, low, high, values } = row;
  return {
    ...row,
    emulated: known(emulated),
    low: known(low),
    high: known(high),
    values: values.map(known),
  };
}

function linesOf(outcomes: readonly Outcome[], directory: string): string[] {
  const lines = outcomes.flatMap(({ experiment, chance, rows, findings }) => {
    const table = new Table({
      head: [...TABLE_HEADER],
      colAligns: ["left", "right", "right", "right", "right", "left"],
      style: { head: [], border: [], compact: true },
    });
    for (const row of rows) table.push(cells(row).map(visible));
    const notes = findings.map((finding) => `  ${finding}`);
    return [
      experiment.title,
      ...table.toString().split("\n"),
      countVerdicts(rows),
      `  seeds: ${chanceText(chance)}`,
      ...notes,
      "",
    ];
  });
  const rows = outcomes.flatMap((outcome) => outcome.rows);
  const claims = countClaims(rows);
  return [
    ...lines,
    ...(claims === "" ? [] : [`claims of the study: ${claims}`, ...claimLines(rows), ""]),
    `results are in ${directory}`,
  ];
}
