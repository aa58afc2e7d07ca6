/**
 * Shares of what npm scripts do by the thousand (soak, fuzz:files, mutants): the options, the file of a share, and
 * the whole from the files of all. What a script reports follows from a share, so that the report of the merged ones is
 * that of one machine; times are told beside it.
 */
import { pathToFileURL } from "node:url";
import { type Command, CommanderError, Option } from "commander";
import { UserError } from "../../src/errors.ts";
import { readText } from "../../src/io/inputFile.ts";
import { refuseUnwritable, writeOutput } from "../../src/io/outputFile.ts";
import { parseShard, type Shard } from "../../src/shares/shard.ts";
import {
  digestOfWork,
  mergeShares,
  parseShare,
  type Share,
  type ShareKind,
  shareText,
  type Work,
} from "../../src/shares/shareFile.ts";
import { treeVersion } from "./treeVersion.ts";

const FILE_BYTES_MAX = 512 << 20;
const EXIT_USAGE = 2;

export interface ShareOptions {
  readonly shard?: Shard;
  readonly output?: string;
  readonly merge?: readonly string[];
  readonly force?: true;
}

/** @param others options that mean nothing where files are merged */
export function withShares(command: Command, others: readonly string[]): Command {
  return command
    .option("--shard <i/n>", "only this share of them, of n; with -o FILE", parseShard)
    .option("-o, --output <file>", "write what came of each, for --merge")
    .addOption(
      new Option("--merge <files...>", "put shares together, and report the whole").conflicts([
        ...others,
        "shard",
      ]),
    )
    .option("--force", "replace files that exist");
}

/** Runs the command of a script: mistakes are one line, and exit code 2. */
export async function runScript(command: Command, words?: readonly string[]): Promise<void> {
  command.exitOverride().configureOutput({ outputError: () => {} });
  try {
    await (words === undefined
      ? command.parseAsync()
      : command.parseAsync(words, { from: "user" }));
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return;
    if (!(error instanceof CommanderError || error instanceof UserError)) throw error;
    say(command.name(), error.message.replace(/^error: /, ""));
    process.exitCode = EXIT_USAGE;
  }
}

/** What is no part of the report: times, progress, mistakes. */
export function say(script: string, text: string): void {
  process.stderr.write(`${script}: ${text}\n`);
}

/** Says before the work what could not be kept after it. @throws UserError */
export function refuseShare({ shard, output, force }: ShareOptions): void {
  if (shard !== undefined && output === undefined) {
    throw new UserError("--shard goes with -o FILE, for --merge");
  }
  if (output !== undefined) refuseUnwritable(output, { force });
}

export function keepShare(share: Share<unknown, unknown>, { output, force }: ShareOptions): void {
  if (output !== undefined) writeOutput(output, shareText(share), { force });
}

/**
 * The whole from the files of its shares.
 * @throws UserError if they do not make one, or their checksums are wrong
 */
export function mergeFiles<Asked, Result>(
  kind: ShareKind<Asked, Result>,
  files: readonly string[],
): Share<Asked, Result> {
  return mergeShares(
    kind,
    files.map((file) => parseShare(kind, file, readText(file, FILE_BYTES_MAX))),
  );
}

/** @throws UserError if a whole is of another tree than this, or of other items than the tree has */
export function refuseOtherTree<Asked, Result>(
  kind: ShareKind<Asked, Result>,
  share: Share<Asked, Result>,
  work: Work<Asked>,
): void {
  if (share.code !== work.code) {
    throw new UserError("the shares were made by another version of the tree than this one");
  }
  if (share.digest !== digestOfWork(kind, work)) {
    throw new UserError(`the shares are of other ${kind.item}s than this tree has`);
  }
}

/** The tree that a script runs in: npm starts it at the root. */
export function workOf<Asked>(asked: Asked, names: readonly string[]): Work<Asked> {
  return { code: treeVersion(process.cwd()), asked, names };
}

/** A text that names no directory of this machine: stacks do. */
export function withoutRoot(text: string): string {
  const root = process.cwd();
  return text.replaceAll(`${pathToFileURL(root).href}/`, "").replaceAll(`${root}/`, "");
}
