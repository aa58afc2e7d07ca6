/** Keys by name, from what Ink tells of them; and the file that binds commands to other keys. */

import type { Key } from "ink";
import * as z from "zod";
import { nearest } from "../config/nearest.ts";
import { UserError } from "../errors.ts";
import { namesOf } from "../lookup.ts";
import { arrangementSchema } from "./arrangementSettings.ts";
import type { Command, KeyMap } from "./command.ts";
import { COMMANDS } from "./commands.ts";

const NAMED = {
  upArrow: "up",
  downArrow: "down",
  leftArrow: "left",
  rightArrow: "right",
  pageUp: "pageup",
  pageDown: "pagedown",
  home: "home",
  end: "end",
  return: "enter",
  escape: "escape",
  backspace: "backspace",
  // What most terminals send for the backspace key.
  delete: "backspace",
} as const;

/** Keys within a text that came at once: pasted, or typed faster than it was read. */
const CONTROLS: Readonly<Record<string, string>> = {
  "\r": "enter",
  "\n": "enter",
  "\t": "tab",
  "\b": "backspace",
  "\x7f": "backspace",
  "\x1b": "escape",
};

/** "n", "B", "ctrl+c", "shift+tab", "shift+up", "space"; "" for what is none. */
export function keyName(input: string, key: Partial<Key>): string {
  if (key.tab) return key.shift ? "shift+tab" : "tab";
  for (const flag of namesOf(NAMED)) {
    if (!key[flag]) continue;
    return key.shift && flag.endsWith("Arrow") ? `shift+${NAMED[flag]}` : NAMED[flag];
  }
  if (input === " ") return "space";
  if (key.ctrl && input !== "") return `ctrl+${input}`;
  const control = CONTROLS[input];
  if (control !== undefined) return control;
  // Ctrl with a letter clears the upper bits of its code.
  if (input.length === 1 && input < " ") {
    return `ctrl+${String.fromCharCode(input.charCodeAt(0) | 0x60)}`;
  }
  return input;
}

/** Every name that keyName gives: a character, Ctrl with one, or a name. */
const KEY = new RegExp(
  `^(?:(?:ctrl\\+)?[^\\p{Cc}\\p{Z}]|(?:shift\\+)?tab|space|${Object.values(NAMED).join("|")})$`,
  "u",
);

const key = z.string().regex(KEY, 'expected a key such as "n", "B", "ctrl+s", "space" or "pageup"');

/** By command name: the keys instead of its own. */
export const uiSettingsSchema = z
  .strictObject({
    keys: z.record(z.string(), z.array(key)).default({}),
    theme: z.enum(["default", "deuteranopia", "tritanopia", "grey"]).optional(),
    ascii: z.boolean().optional(),
    mouse: z.boolean().optional(),
    arrangement: arrangementSchema.optional(),
  })
  .describe("the terminal UI's settings");
export type UiSettings = z.output<typeof uiSettingsSchema>;

/** @throws UserError for an unknown command, or a key that two commands have */
export function keyMap(file: string, settings: UiSettings["keys"]): KeyMap {
  const names = COMMANDS.map(({ name }) => name);
  for (const name of Object.keys(settings)) {
    if (names.includes(name)) continue;
    throw new UserError(`${file}: keys: no command is called "${name}"${nearest(name, names)}`);
  }
  const map = new Map<string, Command>();
  // A key that is bound anew is taken from the command that had it by default.
  const taken = new Set(Object.values(settings).flat());
  for (const command of COMMANDS) {
    const own = settings[command.name];
    for (const key of own ?? command.keys.filter((one) => !taken.has(one))) {
      const other = map.get(key);
      if (other !== undefined) {
        throw new UserError(
          `${file}: keys: "${key}" is bound to ${other.name} and ${command.name}`,
        );
      }
      map.set(key, command);
    }
  }
  return map;
}

/** The keys of a command under a map. */
export function keysOf(command: Command, map: KeyMap): string[] {
  return [...map].filter(([, one]) => one === command).map(([key]) => key);
}
