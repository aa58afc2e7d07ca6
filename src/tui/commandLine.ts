/** A line of the palette: what it may become, and doing what it says. */
import { nearest } from "../config/nearest.ts";
import { UserError } from "../errors.ts";
import type { Command, Controls } from "./command.ts";
import { COMMANDS } from "./commands.ts";

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

/** What is typed, completed to the first suggestion. */
export function completed(typed: string): string {
  const [first] = suggestions(typed);
  if (first === undefined || typed.trimStart().includes(" ")) return typed;
  return first.argument === undefined ? first.name : `${first.name} `;
}

/** Does what a line says. @throws UserError */
export function execute(text: string, controls: Controls): void {
  const [, name = "", argument = ""] = /^\s*(\S*)\s*(.*?)\s*$/.exec(text) ?? [];
  if (name === "") return;
  const command = COMMANDS.find((one) => one.name === name) ?? onlyOne(name);
  if (command === undefined) {
    const names = COMMANDS.map((one) => one.name);
    throw new UserError(`no command is called "${name}"${nearest(name, names)}`);
  }
  command.run(controls, argument);
}

function onlyOne(name: string): Command | undefined {
  const found = suggestions(name);
  return found.length === 1 ? found[0] : undefined;
}
