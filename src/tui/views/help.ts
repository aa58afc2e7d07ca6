/** The help and the palette, from the command table. */
import type { Vocabulary } from "../../session/vocabulary.ts";
import { type Area, type Line, line, piece } from "../canvas.ts";
import { type Command, GROUPS, type KeyMap } from "../command.ts";
import { suggestions, wordsFor } from "../commandLine.ts";
import { COMMANDS } from "../commands.ts";
import { keysOf } from "../keys.ts";
import type { EditedLine } from "../lineEditor.ts";

const TITLES = {
  run: "Running, and going back",
  look: "Looking",
  machine: "The machine: commands of the operator, which go into the log",
  session: "The session",
} as const;

const KEYS = 12;
const NAME = 13;

/** What of the help is shown. */
export interface HelpShown {
  readonly keys: KeyMap;
  /** The panel with the focus: its own keys come first. */
  readonly focus: string;
  /** All that is shown has this in it; "" = all of it. */
  readonly sought: string;
}

export function helpView({ keys: map, focus, sought }: HelpShown, width: number): Line[] {
  const isFound = (...texts: readonly string[]): boolean =>
    texts.some((text) => text.toLowerCase().includes(sought.toLowerCase()));
  const found = COMMANDS.filter((command) =>
    isFound(command.name, command.help, command.argument ?? "", ...keysOf(command, map)),
  );
  const group = (title: string, commands: readonly Command[]): Line[] =>
    commands.length === 0
      ? []
      : [line(title, "title"), ...commands.flatMap((one) => commandHelp(one, map, width)), []];
  const own = group(
    `With the focus on ${focus}`,
    found.filter(({ panels }) => panels?.includes(focus)),
  );
  const groups = GROUPS.flatMap((name) =>
    group(
      TITLES[name],
      found.filter((command) => command.group === name),
    ),
  );
  const rest = isFound(STREAM_HELP)
    ? [
        line("The stream", "title"),
        ...wrapped(STREAM_HELP, width - 2).map((text) => line(`  ${text}`)),
      ]
    : [];
  const all = [...own, ...groups, ...rest];
  return all.length > 0 ? all : [line("nothing of the help has that in it", "dim")];
}

function commandHelp(command: Command, map: KeyMap, width: number): Line[] {
  const indent = 2 + KEYS + NAME;
  const keys = keysOf(command, map).join(" ");
  const argument = command.argument === undefined ? "" : ` (${command.argument})`;
  const [first = "", ...rest] = wrapped(`${command.help}${argument}`, width - indent);
  return [
    [
      piece(`  ${keys.padEnd(KEYS)}`, "key"),
      piece(command.name.padEnd(NAME), "accent"),
      piece(first),
    ],
    ...rest.map((text) => line(`${" ".repeat(indent)}${text}`)),
  ];
}

const STREAM_HELP =
  "Each line: the time; the step of page logging (1 the CPU logs, 2 the log is full, 3 the handler " +
  "copies it and sets the index back, 4 the operation uses it, 5 logging ends); the message; from whom to whom.";

function wrapped(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1)!;
    if (last !== "" && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}

/** What is typed, with its cursor. */
export function typedPieces({ text, at }: EditedLine): Line {
  return [
    piece(text.slice(0, at)),
    piece(text.slice(at, at + 1) || " ", "selected"),
    piece(text.slice(at + 1)),
  ];
}

/** The palette over the screen: what is typed, and what the word before the cursor may become. */
export function paletteView(
  line: EditedLine,
  vocabulary: Vocabulary,
  { width, height }: Area,
): Line[] {
  const before = line.text.slice(0, line.at);
  const room = Math.max(0, height - 1);
  const words = wordsFor(before, vocabulary);
  const found = words === null ? commandLines(before, room) : wordLines(before, words, width, room);
  return [[piece(":", "key"), ...typedPieces(line)], ...found];
}

function commandLines(typed: string, room: number): Line[] {
  const lines = suggestions(typed).map(
    ({ name, argument, help }): Line => [
      piece(`  ${`${name} ${argument ?? ""}`.padEnd(34)} `, "accent"),
      piece(help, "dim"),
    ],
  );
  return withRest(lines, room, "commands");
}

/** What the command is, and side by side what the word may become. */
function wordLines(typed: string, words: readonly string[], width: number, room: number): Line[] {
  const [about = []] = commandLines(typed, 1);
  const column = 2 + Math.max(0, ...words.map((word) => word.length));
  const perLine = Math.max(1, Math.floor((width - 2) / column));
  const lines: Line[] = [];
  for (let i = 0; i < words.length; i += perLine) {
    const some = words.slice(i, i + perLine).map((word) => piece(word.padEnd(column)));
    lines.push([piece("  "), ...some]);
  }
  if (words.length === 0) lines.push(line("  no such word", "bad"));
  return [about, ...withRest(lines, room - 1, "lines")].slice(0, room);
}

/** So many of them; where some are left out, the last line says so. */
function withRest(lines: readonly Line[], room: number, what: string): Line[] {
  if (lines.length <= room) return [...lines];
  const hidden = lines.length - Math.max(0, room - 1);
  return [...lines.slice(0, Math.max(0, room - 1)), line(`  ... ${hidden} more ${what}`, "dim")];
}
