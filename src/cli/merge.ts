/** `trackvisor merge`: shares of one work, done on several machines, put together. */
import { Command } from "commander";
import { UserError } from "../errors.ts";
import { EXPERIMENT_SHARES, outcomesOf, scaleOf } from "../experiments/share.ts";
import { readText } from "../io/inputFile.ts";
import { refuseUnwritable, writeOutput } from "../io/outputFile.ts";
import { parseResult } from "../questions/sweep/readResult.ts";
import { RESULT_FORMAT } from "../questions/sweep/result.ts";
import { mergeResults } from "../questions/sweep/share.ts";
import {
  formatOf,
  mergeShares,
  parseShare,
  type Share,
  type ShareKind,
  shareText,
} from "../shares/shareFile.ts";
import { deliverOutcomes, EXPERIMENT_DIRECTORY, refuseOutcomes } from "./experimentOutput.ts";
import { deliver, refuseOutputs, type SweepOutput, withOutputs } from "./sweepOutput.ts";
import { deliverSwarm, WALK_SHARES } from "./walks.ts";

const FILE_BYTES_MAX = 256 << 20;

interface MergeOptions extends SweepOutput {
  readonly out?: string;
}

interface NamedText {
  readonly file: string;
  readonly text: string;
}

/** What becomes of shares, by the format that their files say they have. */
const MERGES: Readonly<
  Record<string, (files: readonly NamedText[], options: MergeOptions) => Promise<void> | void>
> = {
  [RESULT_FORMAT]: mergeSweep,
  [EXPERIMENT_SHARES.format]: mergeExperiment,
  [WALK_SHARES.format]: mergeWalks,
};

/** The command. Exit codes: 0 fine, 1 a run failed (docs/verdict.md), 2 bad input. */
export function mergeCommand(): Command {
  const command = new Command("merge")
    .description("put shares together: what sweep, experiment run and check --shard wrote")
    .argument("<file...>", "results of --shard i/n -o FILE, all of them");
  return withOutputs(command)
    .option("--out <directory>", `of an experiment: where results go (${EXPERIMENT_DIRECTORY})`)
    .action(async (files: readonly string[], options: MergeOptions) => {
      const read = files.map((file) => ({ file, text: readText(file, FILE_BYTES_MAX) }));
      const [format = RESULT_FORMAT] = formatsOf(read);
      await (MERGES[format] ?? mergeSweep)(read, options);
    });
}

/** @throws UserError if there are several, or one that this command does not merge */
function formatsOf(files: readonly NamedText[]): string[] {
  const found = new Map<string, string>();
  for (const { file, text } of files) {
    const format = formatOf(text);
    // Which it should have been, its reader says.
    if (format === null) continue;
    if (!Object.hasOwn(MERGES, format)) {
      const known = Object.keys(MERGES).join(", ");
      throw new UserError(`${file}: is a "${format}"; expected one of ${known}`);
    }
    for (const [other, first] of found) {
      if (other !== format) {
        throw new UserError(`${first} is a "${other}", ${file} a "${format}": they do not merge`);
      }
    }
    if (!found.has(format)) found.set(format, file);
  }
  return [...found.keys()];
}

async function mergeSweep(files: readonly NamedText[], options: MergeOptions): Promise<void> {
  refuseForeign(options, ["out"], "a sweep");
  refuseOutputs(options);
  await deliver(mergeResults(files.map(({ file, text }) => parseResult(file, text))), options);
}

async function mergeExperiment(files: readonly NamedText[], given: MergeOptions): Promise<void> {
  refuseForeign(given, ["csv", "svg", "html"], "an experiment");
  const options = { ...given, out: given.out ?? EXPERIMENT_DIRECTORY };
  const share = merged(EXPERIMENT_SHARES, files);
  const file = files[0]?.file ?? "";
  const outcomes = await orFileError(file, () => outcomesOf({ file, share }));
  const { experiment } = share.asked;
  refuseOutcomes(experiment, options);
  writeWhole(share, options);
  deliverOutcomes(experiment, scaleOf(share.asked), outcomes, options);
}

function mergeWalks(files: readonly NamedText[], options: MergeOptions): void {
  refuseForeign(options, ["csv", "svg", "html", "out"], "a swarm of walks");
  if (options.output !== undefined) refuseUnwritable(options.output, options);
  deliverSwarm(merged(WALK_SHARES, files), options);
}

/** A summary is not looked into before it is used: what then goes wrong is the file's mistake. */
async function orFileError<Result>(file: string, use: () => Promise<Result>): Promise<Result> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof UserError || !(error instanceof Error)) throw error;
    throw new UserError(`${file}: has no runs of its experiment: ${error.message}`);
  }
}

function merged<Asked, Result>(
  kind: ShareKind<Asked, Result>,
  files: readonly NamedText[],
): Share<Asked, Result> {
  return mergeShares(
    kind,
    files.map(({ file, text }) => parseShare(kind, file, text)),
  );
}

function writeWhole(share: Share<unknown, unknown>, { output, force }: MergeOptions): void {
  if (output === undefined) return;
  refuseUnwritable(output, { force });
  writeOutput(output, shareText(share), { force });
}

/** An option that would do nothing is refused. @throws UserError */
function refuseForeign(
  options: MergeOptions,
  names: readonly (keyof MergeOptions)[],
  work: string,
): void {
  const given = names.find((name) => options[name] !== undefined);
  if (given !== undefined) throw new UserError(`--${given}: ${work} has no such output`);
}
