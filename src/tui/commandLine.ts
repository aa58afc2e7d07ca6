/** A line of the palette: what it may become, and doing what it says. */
import { nearest } from "../config/nearest.ts";
import { UserError } from "../errors.ts";
import type { Vocabulary } from "../session/vocabulary.ts";
import type { Command, Controls } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { type EditedLine, lineOf } from "./lineEditor.ts";

/** Commands whose name begins with what was typed, else those that have its letters in order. */
export function suggestions(typed: string): readonly Command[] {
  const [name = ""] = typed.trimStart().split(" ");
  const begin = COMMANDS.filter((command) => command.name.startsWith(name));
  if (begin.length > 0) return begin;
  const letters = [...name.toLowerCase()];
  return COMMANDS.filter(({ name }) => {
    let at = 0;
    for (const letter of letters) at = name.indexOf(letter, at) + 1 || Number.NaN;
    return !Number.isNaN(at);
  });
}

/** What the word at the end of an argument may become. Null: no argument is typed, or none of a command with words. */
export function wordsFor(typed: string, vocabulary: Vocabulary): readonly string[] | null {
  const [name = "", ...rest] = typed.trimStart().split(/ +/);
  const command = rest.length === 0 ? undefined : commandNamed(name);
  if (command?.words === undefined) return null;
  const begun = (rest.at(-1) ?? "").toLowerCase();
  const words = command.words(vocabulary, rest.slice(0, -1));
  return words.filter((word) => word.toLowerCase().startsWith(begun));
}

/**
 * What is typed before the cursor, completed: a name to that of the first suggestion, a word of the argument to what
 * all that it may become have in common, or else to the first of them.
 */
export function completed({ text, at }: EditedLine, vocabulary: Vocabulary): EditedLine {
  const before = text.slice(0, at);
  const words = wordsFor(before, vocabulary);
  const whole = words === null ? completedName(before) : completedWord(before, words);
  return { text: lineOf(whole + text.slice(at)).text, at: lineOf(whole).at };
}

function completedName(typed: string): string {
  const [first] = suggestions(typed);
  if (first === undefined || typed.trimStart().includes(" ")) return typed;
  return first.argument === undefined ? first.name : `${first.name} `;
}

function completedWord(typed: string, words: readonly string[]): string {
  const [first] = words;
  if (first === undefined) return typed;
  const start = typed.slice(0, typed.lastIndexOf(" ") + 1);
  const common = commonStart(words);
  const begun = typed.length - start.length;
  return start + (common.length > begun ? common : first);
}

function commonStart(words: readonly string[]): string {
  const [first = "", ...others] = words;
  let length = first.length;
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length--;
  return first.slice(0, length);
}

/** Does what a line says. @throws UserError */
export function execute(text: string, controls: Controls): void {
  const [, name = "", argument = ""] = /^\s*(\S*)\s*(.*?)\s*$/.exec(text) ?? [];
  if (name === "") return;
  const command = commandNamed(name);
  if (command === undefined) {
    const names = COMMANDS.map((one) => one.name);
    throw new UserError(`no command is called "${name}"${nearest(name, names)}`);
  }
  command.run(controls, argument);
}

function commandNamed(name: string): Command | undefined {
  const found = suggestions(name);
  return COMMANDS.find((one) => one.name === name) ?? (found.length === 1 ? found[0] : undefined);
}
