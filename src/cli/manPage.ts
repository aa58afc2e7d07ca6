/** `trackvisor man`: the manual page, made from the commands themselves (man(7), groff and mandoc). */
import { type Argument, Command, type Option } from "commander";
import { RELEASED, VERSION } from "../config/version.ts";
import { print } from "../io/standardStreams.ts";
import { type CommandEntry, DEFAULT_COMMAND } from "./commandEntry.ts";

const LINE_MAX = 78;
const SUBJECT = "how a hypervisor knows which pages its VMs touch, and what knowing costs";

/** The command. Prints the page: `trackvisor man | man -l -`. */
export function manCommand(entries: readonly CommandEntry[]): Command {
  return new Command("man")
    .description("print the manual page: trackvisor man | man -l -")
    .action(async () => {
      print(...(await manPage(entries)));
    });
}

/** Lines of the page. */
export async function manPage(entries: readonly CommandEntry[]): Promise<string[]> {
  const commands = await Promise.all(entries.map(({ load }) => load()));
  return [
    `.TH TRACKVISOR 1 "${RELEASED}" "trackvisor ${VERSION}" "User Commands"`,
    ".SH NAME",
    ...lines(String.raw`trackvisor \- ${SUBJECT}`),
    ".SH SYNOPSIS",
    ".B trackvisor",
    ".RI [ command ]",
    ".RI [ options ]",
    ".RI [ arguments ]",
    ".SH DESCRIPTION",
    ...lines(
      plain(
        "Trackvisor emulates a hypervisor and its VMs, message by message, to answer how tracking of memory pages works and what it costs. Runs are deterministic.",
      ),
    ),
    ".PP",
    ...lines(
      `A scenario without a command is given to "${DEFAULT_COMMAND}". Without any argument, in a terminal, the screen opens ("tui").`,
    ),
    ".SH COMMANDS",
    ...commands.flatMap((command) => sections(command, "")),
    ".SH EXIT STATUS",
    ...term("0", "fine"),
    ...term(
      "1",
      "something that was expected did not hold: a check, a property, a promise of every run",
    ),
    ...term("2", "wrong usage or input; one line on standard error says what is wrong"),
    ...term("130", "interrupted; what was recorded so far is kept"),
    ".SH ENVIRONMENT",
    ...term("NO_COLOR", "set and not empty: no colours"),
    ".SH SEE ALSO",
    ...lines("The documents of the package: README.md, and docs/ beside it."),
  ];
}

/** A command, and those within it. */
function sections(command: Command, parent: string): string[] {
  const name = `${parent}${command.name()}`;
  const words = command.registeredArguments.map((argument) => argumentText(argument));
  const options = command.options.length > 0 ? ["[options]"] : [];
  const own = [
    `.SS ${plain([name, ...options, ...words].join(" "))}`,
    ...lines(plain(sentence(command.description()))),
    ...command.registeredArguments.flatMap((one) => term(argumentText(one), described(one))),
    ...command.options.flatMap((one) => term(one.flags, described(one))),
  ];
  return [...own, ...command.commands.flatMap((one) => sections(one, `${name} `))];
}

function argumentText(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function described({ description, argChoices, defaultValue }: Argument | Option): string {
  const choices = argChoices === undefined ? "" : `: ${argChoices.join(", ")}`;
  const isTold = ["string", "number"].includes(typeof defaultValue);
  return `${description}${choices}${isTold ? ` (default: ${defaultValue})` : ""}`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

function term(what: string, text: string): string[] {
  return [".TP", `.B ${plain(what)}`, ...lines(plain(text === "" ? "-" : text))];
}

/** Text in which roff sees no escape, with hyphens to be copied. */
function plain(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-");
}

/** Words in lines short enough for mandoc's taste; a line that would be a request is none. */
function lines(text: string): string[] {
  const all: string[] = [];
  for (const word of text.split(" ")) {
    const last = all.at(-1);
    if (last === undefined || last.length + word.length >= LINE_MAX) all.push(word);
    else all[all.length - 1] = `${last} ${word}`;
  }
  return all.map((line) => (/^[.']/.test(line) ? `\\&${line}` : line));
}
