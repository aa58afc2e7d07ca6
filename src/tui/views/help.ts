/** The help and the palette, from the command table. */
import { type Area, type Line, line, piece } from "../canvas.ts";
import { GROUPS } from "../command.ts";
import { suggestions } from "../commandLine.ts";
import { COMMANDS } from "../commands.ts";
import { type KeyMap, keysOf } from "../keys.ts";

const TITLES = {
  run: "Running, and going back",
  look: "Looking",
  machine: "The machine: commands of the operator, which go into the log",
  session: "The session",
} as const;

const KEYS = 12;
const NAME = 13;

export function helpView(map: KeyMap, width: number): Line[] {
  const indent = 2 + KEYS + NAME;
  const groups = GROUPS.flatMap((group) => [
    line(TITLES[group], "title"),
    ...COMMANDS.filter((command) => command.group === group).flatMap((command): Line[] => {
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
    }),
    [],
  ]);
  return [
    ...groups,
    line("The stream", "title"),
    ...wrapped(STREAM_HELP, width - 2).map((text) => line(`  ${text}`)),
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

/** The palette over the screen: what is typed, and what it may become. */
export function paletteView(typed: string, { height }: Area): Line[] {
  const found = suggestions(typed).slice(0, Math.max(0, height - 1));
  return [
    [piece(":", "key"), piece(typed), piece(" ", "selected")],
    ...found.map(
      ({ name, argument, help }): Line => [
        piece(`  ${`${name} ${argument ?? ""}`.padEnd(34)} `, "accent"),
        piece(help, "dim"),
      ],
    ),
  ];
}
