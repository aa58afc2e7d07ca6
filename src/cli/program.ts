/** The command line: finds the command, and turns errors into messages and exit codes. */
import { Command, CommanderError } from "commander";
import { nearest } from "../config/nearest.ts";
import { VERSION } from "../config/version.ts";
import { UserError } from "../errors.ts";
import { isInteractive, note, print, printFault } from "../io/standardStreams.ts";
import { type CommandEntry, DEFAULT_COMMAND } from "./commandEntry.ts";
import { COMMANDS } from "./commands.ts";

const EXIT_FAULT = 1;
const EXIT_USAGE = 2;
/** Answered by the list of commands alone. */
const OF_ALL = ["-h", "--help", "-V", "--version"];

/** The commands; of all but the one that the words call for only what `--help` says of them. */
async function program(words: readonly string[]): Promise<Command> {
  const usages = new Map(COMMANDS.map(({ name, usage }) => [name, usage]));
  const root = new Command("trackvisor")
    .description("how a hypervisor knows which pages its VMs touch, and what knowing costs")
    .version(VERSION)
    .showSuggestionAfterError()
    .configureHelp({
      showGlobalOptions: true,
      subcommandTerm: (command) => usages.get(command.name()) ?? "help [command]",
    });
  const called = calledCommand(words);
  for (const entry of COMMANDS) {
    const { name, description, load } = entry;
    const command = entry === called ? await load() : new Command(name).description(description);
    root.addCommand(command, { isDefault: name === DEFAULT_COMMAND });
  }
  for (const command of everyCommand(root)) {
    command.exitOverride().configureOutput({
      writeOut: (text) => print(...text.replace(/\n$/, "").split("\n")),
      outputError: () => {},
    });
  }
  return root;
}

/** The command that the words of a command line call; null if they ask about all of them. */
function calledCommand(words: readonly string[]): CommandEntry | null {
  const [first = "", second] = words;
  if (OF_ALL.includes(first)) return null;
  const name = first === "help" ? second : first;
  const named = COMMANDS.find((entry) => entry.name === name);
  if (named !== undefined || name === undefined) return named ?? null;
  if (first === "help") {
    const names = COMMANDS.map((entry) => entry.name);
    throw new UserError(`no command is called "${name}"${nearest(name, names)}`);
  }
  return COMMANDS.find((entry) => entry.name === DEFAULT_COMMAND) ?? null;
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** Does what a command line says; `process.exitCode` says how it went. Nothing is thrown. */
export async function runCommandLine(given: readonly string[]): Promise<void> {
  // Without any argument, and with somebody who looks: the screen.
  const words = given.length === 0 && isInteractive() ? ["tui"] : given;
  try {
    const root = await program(words);
    await root.parseAsync(words, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version are no errors.
      if (error.exitCode === 0) return;
      // A command that needs another word has shown its help, and that says it.
      if (error.code === "commander.help") process.exitCode = EXIT_USAGE;
      else complain(error.message.replace(/^error: /, ""));
    } else if (error instanceof UserError) {
      complain(...error.lines.slice(0, -1), `${error.lines.at(-1) ?? ""}${commandHint(words)}`);
    } else {
      printFault(error);
      process.exitCode = EXIT_FAULT;
    }
  }
}

/** What was taken for a scenario may be a command's name, mistyped. */
function commandHint([first = "", ...more]: readonly string[]): string {
  const names = COMMANDS.map(({ name }) => name);
  if (more.length > 0 && more.every((word) => word.startsWith("-"))) return "";
  if (names.includes(first) || !/^[a-z]+$/.test(first)) return "";
  return nearest(first, names).replace("did you mean", "or did you mean the command");
}

function complain(...lines: readonly string[]): void {
  for (const line of lines) note(line);
  process.exitCode = EXIT_USAGE;
}
