/**
 * `npm run soak [-- --runs N] [-- --seed S] [-- --from N] [-- --out DIRECTORY]`: random scenarios, one after the
 * other; what fails is made small and saved. With --shard a share of them, and --merge puts shares together
 * (docs/soak.md). Exit codes: 0 all as they must be, 1 one is not, 2 bad usage.
 */
import { join } from "node:path";
import { Command } from "commander";
import { stringify } from "yaml";
import { wholeNumber } from "../../src/cli/optionParsers.ts";
import { makeDirectory, writeOutput } from "../../src/io/outputFile.ts";
import { placesOf, type Share, shareOf } from "../../src/shares/shareFile.ts";
import {
  keepShare,
  mergeFiles,
  refuseShare,
  runScript,
  type ShareOptions,
  say,
  withShares,
  workOf,
} from "../shares/toolShares.ts";
import { caseOf, type SoakCase } from "./generator.ts";
import { resultOf, SOAK_SHARES, type SoakAsked, type SoakResult } from "./share.ts";
import { shrinkCase } from "./shrink.ts";
import { Tally } from "./tally.ts";
import { type Problem, tryCase } from "./trial.ts";

const SCRIPT = "soak";
/** Refusals among a hundred cases at most: a generator that asks for the impossible tests nothing. */
const REFUSALS_PERCENT = 5;
const NUMBER_MAX = 999_999_999;

interface Options extends ShareOptions, SoakAsked {
  readonly out: string;
}

const number = wholeNumber(0, NUMBER_MAX);
const command = new Command(SCRIPT)
  .description("random scenarios, each held to all that must be true of a run (docs/soak.md)")
  .option("--runs <number>", "cases", number, 200)
  .option("--seed <number>", "of the cases", number, 1)
  .option("--from <number>", "the first case", number, 0)
  .option("--out <directory>", "where cases that failed go", "soak");

await runScript(
  withShares(command, ["runs", "seed", "from"]).action((options: Options) => {
    refuseShare(options);
    const share = options.merge ? mergeFiles(SOAK_SHARES, options.merge) : soak(options);
    keepShare(share, options);
    conclude(share, options);
  }),
);

function soak(options: Options): Share<SoakAsked, SoakResult> {
  const { seed, from, runs, out } = options;
  const { shard = null } = options;
  const asked = { seed, from, runs };
  const names = Array.from({ length: runs }, (_, place) => String(from + place));
  const work = workOf(asked, names);
  const started = performance.now();
  const results = new Map<number, SoakResult>();
  for (const place of placesOf(work, shard)) {
    const soaked = caseOf(seed, from + place);
    const trial = tryCase(soaked);
    const result = resultOf(soaked, trial, () => smallText(soaked, trial.problems[0]!));
    results.set(place, result);
    // At once: a soak may take a night.
    tell(asked, place, result, out);
    if (process.stderr.isTTY && results.size % 10 === 0) process.stderr.write(`\r${results.size} `);
  }
  say(SCRIPT, `${results.size} cases in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  return shareOf(SOAK_SHARES, work, shard, (place) => results.get(place)!);
}

function smallText(soaked: SoakCase, { kind, what }: Problem): string {
  const small = shrinkCase(soaked, kind);
  const commands = small.commands.map((one) => `# ${JSON.stringify(one)}\n`).join("");
  const title = `# ${kind}: ${what.replaceAll("\n", "\n# ")}\n`;
  return `${title}${commands}${stringify(small.scenario)}`;
}

/** Saves and names a case that failed. */
function tell(
  { seed, from }: SoakAsked,
  place: number,
  { problem }: SoakResult,
  out: string,
): void {
  if (problem === null) return;
  makeDirectory(out);
  const file = join(out, `soak-${seed}-${from + place}.yaml`);
  writeOutput(file, problem.small, { force: true });
  process.stdout.write(`${from + place}: ${problem.kind}: ${problem.what}\n  ${file}\n`);
}

/** What all of them come to. Of a share the refusals are too few to be judged. */
function conclude({ asked, shard, items }: Share<SoakAsked, SoakResult>, options: Options): void {
  const tally = new Tally();
  for (const { index, result } of items) {
    tally.add(result);
    if (options.merge !== undefined) tell(asked, index, result, options.out);
  }
  process.stdout.write(`${tally.text()}\n`);
  const refused = (100 * tally.refusals) / Math.max(1, items.length);
  const tooMany = shard === null && refused > REFUSALS_PERCENT;
  if (tooMany) process.stdout.write(`too many were refused: ${refused} %\n`);
  if (tally.failed > 0 || tooMany) process.exitCode = 1;
}
