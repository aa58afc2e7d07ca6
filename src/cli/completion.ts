/**
 * `trackvisor completion`: the shell asks the program itself at each TAB, so nothing it offers can go stale.
 *
 * The scripts are our own: the one library for this that is kept, @bomb.sh/tab, never completes file names, needs
 * the package bash-completion, and evaluates what was typed.
 */

import { Argument, Command } from "commander";
import { readText } from "../io/inputFile.ts";
import { packagePath } from "../io/packageFiles.ts";
import { print } from "../io/standardStreams.ts";
import { itemAt } from "../lookup.ts";
import { type CommandEntry, DEFAULT_COMMAND } from "./commandEntry.ts";

/** What can be put for the word at the cursor. */
export interface Completions {
  readonly words: readonly { readonly value: string; readonly what: string }[];
  /** File names can stand there, too. */
  readonly files: boolean;
}

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];
const SCRIPT_BYTES_MAX = 1 << 16;

const NOTHING: Completions = { words: [], files: false };
const ROOT_OPTIONS = [
  { value: "--help", what: "display help for command" },
  { value: "--version", what: "output the version number" },
];
/** A line that is no candidate: file names can stand there. */
const FILES = ":";

/** The command. Exit codes: 0 fine, 2 bad input. */
export function completionCommand(entries: readonly CommandEntry[]): Command {
  return new Command("completion")
    .description("completion of commands for a shell: bash, zsh, fish (docs/commands.md)")
    .addArgument(new Argument("<shell>", "whose script is printed").choices(SHELLS))
    .argument("[words...]", "the shell's question: what can follow these?")
    .action(async (shell: Shell, words: readonly string[]) => {
      if (words.length === 0) print(...scriptFor(shell));
      else printAnswer(await completionsOf(entries, words));
    });
}

/** The lines of src/cli/shell. */
function scriptFor(shell: Shell): string[] {
  const path = packagePath("src", "cli", "shell", `trackvisor.${shell}`);
  if (path === null) throw new Error(`the script for ${shell} is missing`);
  return readText(path, SCRIPT_BYTES_MAX).trimEnd().split("\n");
}

/** A candidate a line, a space and what it is; then perhaps the mark for file names. */
function printAnswer({ words, files }: Completions): void {
  for (const { value, what } of words) print(`${value} ${what}`.trimEnd());
  if (files) print(FILES);
}

/** @param entries all commands; @param words behind the program's name, the last the one at the cursor, which may be empty */
export async function completionsOf(
  entries: readonly CommandEntry[],
  words: readonly string[],
): Promise<Completions> {
  // bash parts `--tracker=pml` into three words.
  const parted = words.filter((word, n) => word !== "=" || n === words.length - 1);
  const current = parted.at(-1) === "=" ? "" : (parted.at(-1) ?? "");
  const before = parted.slice(0, -1);
  const [first] = before;
  if (first === undefined) {
    const all = [...namesOf(entries), { value: "help", what: "display help for command" }];
    // A scenario alone is run.
    const run = current.startsWith("-") ? NOTHING : await positional("scenario", []);
    return matching({ words: [...all, ...ROOT_OPTIONS, ...run.words], files: run.files }, current);
  }
  const named = entries.find(({ name }) => name === first);
  if (first === "help") return matching({ words: namesOf(entries), files: false }, current);
  const entry = named ?? entries.find(({ name }) => name === DEFAULT_COMMAND);
  if (entry === undefined) return NOTHING;
  const command = await entry.load();
  return matching(
    await within(command, named === undefined ? before : before.slice(1), current),
    current,
  );
}

function namesOf(entries: readonly CommandEntry[]): Completions["words"] {
  return entries.map(({ name, description }) => ({ value: name, what: description }));
}

async function within(
  command: Command,
  before: readonly string[],
  current: string,
): Promise<Completions> {
  const sub = command.commands.find((one) => one.name() === before[0]);
  if (sub !== undefined) return within(sub, before.slice(1), current);
  const optionOf = (word: string | undefined) =>
    command.options.find(({ long, short }) => word === long || (word === short && short));
  const option = optionOf(before.at(-1));
  if (option?.required || option?.optional) {
    const words = (option.argChoices ?? []).map((value) => ({ value, what: "" }));
    return { words, files: words.length === 0 && /<(file|directory|path)>/.test(option.flags) };
  }
  if (current.startsWith("-")) {
    const options = command.options.map(({ long, short, description }) => {
      return { value: long ?? short ?? "", what: description };
    });
    return { words: [...options, itemAt(ROOT_OPTIONS, 0)], files: false };
  }
  const subcommands = command.commands.map((one) => ({
    value: one.name(),
    what: one.description(),
  }));
  const given = before.filter(
    (word, n) => !word.startsWith("-") && !takesValue(optionOf(before[n - 1])),
  );
  const declared = command.registeredArguments;
  const last = declared.at(-1);
  const argument = declared[given.length] ?? (last?.variadic ? last : undefined);
  if (argument === undefined) return { words: subcommands, files: false };
  const own = await positional(argument.name(), argument.argChoices ?? []);
  return { words: [...subcommands, ...own.words], files: own.files };
}

function takesValue(option: { required: boolean; optional: boolean } | undefined): boolean {
  return option?.required === true || option?.optional === true;
}

/** What can stand for an argument: its choices, or names that the program knows, or files. */
async function positional(name: string, choices: readonly string[]): Promise<Completions> {
  if (choices.length > 0) {
    return { words: choices.map((value) => ({ value, what: "" })), files: false };
  }
  if (name === "model") {
    const { MODELS } = await import("../check/catalogue.ts");
    return { words: MODELS.map((model) => ({ value: model.name, what: model.what })), files: true };
  }
  if (name === "fleet") {
    const { shippedFleets } = await import("../questions/fleet/fleetFile.ts");
    return {
      words: shippedFleets().map((value) => ({ value, what: "a shipped fleet" })),
      files: true,
    };
  }
  if (/scenario|name/.test(name)) {
    const { shippedReports, shippedScenarios } = await import("../runs/scenarioFile.ts");
    const words = [...shippedScenarios(), ...shippedReports()].map((value) => ({
      value,
      what: "a shipped scenario",
    }));
    return { words, files: true };
  }
  return { words: [], files: true };
}

function matching({ words, files }: Completions, current: string): Completions {
  return { words: words.filter(({ value }) => value.startsWith(current)), files };
}
