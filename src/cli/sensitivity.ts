/** `trackvisor experiment sensitivity` and `claims`: which costs decide what the study claims. */
import { join } from "node:path";
import Table from "cli-table3";
import { Command } from "commander";
import { nearest } from "../config/nearest.ts";
import { UserError } from "../errors.ts";
import { doRuns } from "../experiments/runner.ts";
import { FULL, QUICK } from "../experiments/scale.ts";
import {
  EFFECT_HEADER,
  effectCells,
  sensitivityLines,
  sensitivityPlot,
} from "../experiments/sensitivity/report.ts";
import { sensitivityOf } from "../experiments/sensitivity/sensitivity.ts";
import { CLAIMS, type Claim } from "../experiments/study/claims.ts";
import { dataToCsv } from "../experiments/tables.ts";
import { makeDirectory, refuseUnwritable, writeOutput } from "../io/outputFile.ts";
import { print } from "../io/standardStreams.ts";
import { drawPlot } from "../plots/draw.ts";
import { codeVersion } from "../runs/codeVersion.ts";
import { RunStore } from "../runs/runStore.ts";
import { EXPERIMENT_DIRECTORY } from "./experimentOutput.ts";
import { FORCE } from "./optionParsers.ts";
import { noteDamaged } from "./output.ts";
import { WORKERS, withProgress } from "./poolOptions.ts";

const EXIT_INTERRUPTED = 130;
const ID_WIDTH = 24;

interface SensitivityOptions {
  readonly full?: true;
  readonly out: string;
  readonly force?: true;
  readonly workers?: number;
}

export function claimsCommand(): Command {
  return new Command("claims")
    .description("name what the study claims")
    .action(() => print(...CLAIMS.map(({ id, text }) => `${id.padEnd(ID_WIDTH)}${text}`)));
}

/** Exit codes: 0 fine, 2 bad input, 130 interrupted. */
export function sensitivityCommand(): Command {
  return new Command("sensitivity")
    .description("which costs decide a claim of the study: each at the ends of its interval")
    .argument("<claim>", "its name; see experiment claims")
    .option("--full", `in the study's sizes; default: divided by ${QUICK.divisor}, as with --quick`)
    .option("--out <directory>", "where results go", EXPERIMENT_DIRECTORY)
    .option(...FORCE)
    .option(...WORKERS)
    .action(sensitivity);
}

function claimNamed(id: string): Claim {
  const found = CLAIMS.find((claim) => claim.id === id);
  if (found !== undefined) return found;
  const ids = CLAIMS.map((claim) => claim.id);
  throw new UserError(`no claim is called "${id}"${nearest(id, ids)} (claims: ${ids.join(", ")})`);
}

async function sensitivity(id: string, options: SensitivityOptions): Promise<void> {
  const { out, force, workers, full } = options;
  const claim = claimNamed(id);
  const files = ["svg", "csv"].map((kind) => join(out, `sensitivity-${id}.${kind}`));
  makeDirectory(out);
  for (const file of files) refuseUnwritable(file, { force });
  const store = new RunStore(join(out, "points"), codeVersion(), noteDamaged);
  const kept = `interrupted; finished runs are in ${out}, the same command goes on`;
  const found = await withProgress(
    (signal, onProgress) =>
      sensitivityOf(claim, full ? FULL : QUICK, (runs) =>
        doRuns(runs, {
          ...{ store, workers, signal },
          onProgress: (progress) => onProgress("runs", progress),
        }),
      ),
    { kept },
  );
  if (found === null) {
    process.exitCode = EXIT_INTERRUPTED;
    return;
  }
  const plot = sensitivityPlot(found);
  const [svg = "", csv = ""] = files;
  writeOutput(svg, await drawPlot(plot), { force });
  writeOutput(csv, dataToCsv(plot.data), { force });
  const table = new Table({
    head: [...EFFECT_HEADER],
    style: { head: [], border: [], compact: true },
  });
  for (const cells of effectCells(found)) table.push([...cells]);
  print(
    claim.text,
    ...table.toString().split("\n"),
    ...sensitivityLines(found),
    `results are in ${out}`,
  );
}
