/**
 * The one way to the standard streams. Every line is made visible as it leaves, whoever put it together: a
 * name in it may be a stranger's. A newline within a line is shown, not written, so nothing of a file can
 * look like a line of its own.
 */
import { writeSync } from "node:fs";
import picocolors from "picocolors";
import { systemReason } from "./systemError.ts";
import { jsonText, visible, withoutPasswords } from "./visible.ts";

/** How many colours, if any: "plain" also means that nobody looks at a screen. */
export type ColourMode = "plain" | "none" | "16" | "256";
export type Colour = "red" | "green" | "bold";

/** A text in a colour, where standard output has colours. */
export interface Coloured {
  readonly text: string;
  readonly colour: Colour;
}

/** A line of the answer: one text, or pieces of which some are coloured. */
export type Line = string | readonly (string | Coloured)[];

/**
 * A row of the screen with its own escape sequences, made by src/tui/themes.ts from pieces that have none:
 * that file alone makes them.
 */
export type Painted = string & { readonly painted: true };

const EXIT_USAGE = 2;
/** Its descriptor. */
const STDERR = 2;
/** Characters of a note: names in it, or as many of them, may be a stranger's. */
const NOTE_MAX = 1500;
const ERASE_LINE = "\r\x1b[K";

/** Lines of the answer. */
export function print(...lines: readonly Line[]): void {
  for (const line of lines) process.stdout.write(`${lineText(line)}\n`);
}

/** A value as JSON: one line, or indented by so many spaces. */
export function printJson(value: unknown, indent?: number): void {
  process.stdout.write(`${jsonText(value, indent)}\n`);
}

/** Rows of the screen, for a terminal that shows them once. */
export function printPainted(rows: readonly Painted[]): void {
  for (const row of rows) process.stdout.write(`${row}\n`);
}

/** Notes that wait until a screen is closed; null: none is open. */
let held: string[] | null = null;

/** While a screen has the terminal, notes wait: they would be written over it. The result writes them; so does the process's end. */
export function holdNotes(): () => void {
  held ??= [];
  const release = (): void => {
    process.off("exit", release);
    const texts = held ?? [];
    held = null;
    for (const text of texts) note(text);
  };
  process.on("exit", release);
  return release;
}

/** A line beside the answer, for people. */
export function note(text: string): void {
  if (held !== null) {
    held.push(text);
    return;
  }
  const line = visible(withoutPasswords(text));
  const short = line.length > NOTE_MAX ? `${line.slice(0, NOTE_MAX)}...` : line;
  process.stderr.write(`trackvisor: ${short}\n`);
}

/** A note from a thread whose main thread does nothing any more: past Node's streams, which only that one writes. */
export function noteAtOnce(text: string): void {
  writeSync(STDERR, `trackvisor: ${visible(text)}\n`);
}

/** A fault of the program: its message and where it came from. */
export function printFault(error: unknown): void {
  const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const text = withoutPasswords(said);
  // The stack's lines are the program's; in the message a newline may be a stranger's: both look alike.
  for (const line of text.split("\n")) process.stderr.write(`${visible(line)}\n`);
}

/** When standard output has taken what was printed: a slow reader is waited for. */
export async function printed(): Promise<void> {
  if (process.stdout.writableNeedDrain) {
    await new Promise<void>((resolve) => process.stdout.once("drain", resolve));
  }
}

/** A line on standard error that is written over and over; nothing if that is no terminal. */
export class StatusLine {
  #shown = false;

  /** Whether somebody sees it. */
  get isSeen(): boolean {
    return process.stderr.isTTY === true;
  }

  show(text: string): void {
    if (!this.isSeen) return;
    const width = (process.stderr.columns ?? 80) - 1;
    process.stderr.write(`\r${visible(text).slice(0, width)}\x1b[K`);
    this.#shown = true;
  }

  /** Removes it. */
  clear(): void {
    if (this.#shown) process.stderr.write(ERASE_LINE);
    this.#shown = false;
  }
}

/** The terminal itself, for the screen (src/tui), which writes painted rows there. */
export function terminal(): {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
} {
  return { input: process.stdin, output: process.stdout };
}

/** Whether there is a screen to move about on, and somebody to press keys. */
export function isInteractive(): boolean {
  if (process.env["TERM"] === "dumb") return false;
  return process.stdout.isTTY === true && process.stdin.isTTY === true;
}

/** Of standard output; undefined if it is no terminal. */
export function columnsOfTerminal(): number | undefined {
  return process.stdout.columns;
}

/** What standard output can show: nothing but text when it is no terminal. NO_COLOR as no-color.org has it: set and not empty. */
export function coloursOfTerminal(): ColourMode {
  const { NO_COLOR, TERM = "", COLORTERM } = process.env;
  if (!process.stdout.isTTY || TERM === "dumb") return "plain";
  if (NO_COLOR) return "none";
  return COLORTERM || TERM.includes("256") || TERM.includes("kitty") ? "256" : "16";
}

/**
 * What becomes of the process when a stream takes no more: a reader that has seen enough (`| head`) is no
 * fault; a full disk is said in one line.
 */
export function watchStandardStreams(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    note(`standard output: cannot be written: ${systemReason(error)}`);
    process.exit(EXIT_USAGE);
  });
  // Nobody is left to be told.
  process.stderr.on("error", () => {});
}

function lineText(line: Line): string {
  if (typeof line === "string") return visible(line);
  // picocolors' own guess takes a CI machine's pipe for a terminal with colours.
  const colours = picocolors.createColors(["16", "256"].includes(coloursOfTerminal()));
  return line
    .map((one) => (typeof one === "string" ? visible(one) : colours[one.colour](visible(one.text))))
    .join("");
}
