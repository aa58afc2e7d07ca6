/** Where the result of a sweep goes: the screen, and the files that the command line names. */
import type { Command } from "commander";
import { refuseUnwritable, writeOutput } from "../io/outputFile.ts";
import { columnsOfTerminal, note, print, printJson } from "../io/standardStreams.ts";
import { jsonText } from "../io/visible.ts";
import { sweepCsv } from "../questions/sweep/csv.ts";
import type { SweepResult } from "../questions/sweep/result.ts";
import { FORCE } from "./optionParsers.ts";
import { failureLines, sweepLines } from "./sweepReport.ts";

const EXIT_FAILED = 1;

export interface SweepOutput {
  readonly output?: string;
  readonly csv?: string;
  readonly svg?: string;
  readonly html?: string;
  readonly json?: true;
  readonly force?: true;
}

/** Adds the options for results. */
export function withOutputs(command: Command): Command {
  return command
    .option("-o, --output <file>", "write the result, for merge and other programs (JSON)")
    .option("--csv <file>", "write the table as CSV")
    .option("--svg <file>", "write a plot of each metric as SVG")
    .option("--html <file>", "write plots and table as one page that needs no network")
    .option("--json", "print one JSON object (docs/sweep.schema.json)")
    .option(...FORCE);
}

/** Says before the runs what could not be written after them. @throws UserError */
export function refuseOutputs(options: SweepOutput): void {
  for (const file of filesOf(options)) refuseUnwritable(file, options);
}

function filesOf({ output, csv, svg, html }: SweepOutput): string[] {
  return [output, csv, svg, html].filter((file) => file !== undefined);
}

/** Writes and prints; the exit code says whether a run failed. @throws UserError */
export async function deliver(result: SweepResult, options: SweepOutput): Promise<void> {
  const { output, csv, svg, html, json, force } = options;
  if (output !== undefined) writeOutput(output, `${jsonText(result, 1)}\n`, { force });
  if (csv !== undefined) writeOutput(csv, sweepCsv(result), { force });
  if (svg !== undefined || html !== undefined) {
    // The library that draws takes a while to load.
    const { sweepPage, sweepSvg } = await import("./sweepPictures.ts");
    if (svg !== undefined) writeOutput(svg, await sweepSvg(result), { force });
    if (html !== undefined) writeOutput(html, await sweepPage(result), { force });
  }
  if (json) printJson(result);
  else print(...sweepLines(result, columnsOfTerminal()));
  const failures = failureLines(result);
  for (const failure of failures) note(failure);
  if (failures.length > 0) process.exitCode = EXIT_FAILED;
}
