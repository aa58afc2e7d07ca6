/** Sequences of deeds at the real program in a real terminal, one after the other: what is wrong then. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Session } from "../../src/session/session.ts";
import { bytesOf } from "../tui/fakeTerminal.ts";
import type { Deed, Sequence, Size } from "./deeds.ts";
import { pause, RealTerminal } from "./tmux.ts";

const PATIENCE_MS = 60_000;
/** Ink tells a lone escape from the start of a sequence by waiting a little. */
const ESCAPE_MS = 60;
/** What stands still for so long waits for somebody. */
const STILL_MS = 200;
const MOVES_MS = 1200;
/** Large enough for all that the checks look for. */
const PLAIN: Size = { columns: 100, rows: 30 };
const SAVED = "by-the-hands.tvlog";
/** A line of a stack, or Node's word for what nobody has caught. */
const STACK = /^ +at .+:\d+:\d+\)?$|Uncaught|UnhandledPromise/m;
const FRAMED = /^[┌│└]/;
/** Of the panels, when nothing is said. */
const HINTS = /^ \? help/m;
/** In the first line: the run goes on. */
const RUNS = /▶ running /;
/** By the shell's word behind it. */
const ENDED = /^ended (\d+)/m;
/** What is wrong for so long is wrong. */
const LASTING_MS = 20_000;

/**
 * To start the program takes longer than a sequence: several are done to one.
 * @param program of a shell, that opens the screen
 */
export async function actInTerminal(
  program: string,
  sequences: readonly Sequence[],
): Promise<string | null> {
  const directory = mkdtempSync(join(tmpdir(), "trackvisor-hands-"));
  const terminal = new RealTerminal(directory, program, PLAIN);
  try {
    return await new Hands(terminal, directory).act(sequences);
  } finally {
    terminal.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The program has ended, as it may by the keys of a sequence: at once, or when it has done what it was about. */
class Ended extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`it ended with ${code}`);
    this.code = code;
  }
}

/** @throws Ended */
function goingOn(text: string | null): string | null {
  const code = ENDED.exec(text ?? "")?.[1];
  if (code !== undefined) throw new Ended(code);
  return text;
}

class Hands {
  readonly #terminal: RealTerminal;
  readonly #directory: string;
  #size = PLAIN;

  constructor(terminal: RealTerminal, directory: string) {
    this.#terminal = terminal;
    this.#directory = directory;
  }

  async act(sequences: readonly Sequence[]): Promise<string | null> {
    const begun = await this.#terminal.until(HINTS, PATIENCE_MS);
    if (!HINTS.test(begun)) return `this is shown at the start:\n${begun}`;
    try {
      for (const sequence of sequences) {
        const wrong = await this.#actOne(sequence);
        if (wrong !== null) return wrong;
      }
      return await this.#kept();
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      return error.code === "0" ? this.#afterwards() : error.message;
    }
  }

  async #actOne({ size, deeds }: Sequence): Promise<string | null> {
    this.#resize(size);
    for (const deed of deeds) await this.#do(deed);
    const garbled = await this.#lastingly(async () =>
      this.#garbled(await this.#terminal.still(STILL_MS, MOVES_MS)),
    );
    if (garbled !== null) return garbled;
    this.#resize(PLAIN);
    return (await this.#home()) ?? this.#redrawn();
  }

  async #do(deed: Deed): Promise<void> {
    if ("size" in deed) this.#resize(deed.size);
    else if ("wait" in deed) await pause(deed.wait);
    else this.#terminal.send(bytesOfDeed(deed, this.#size));
    if ("key" in deed && deed.key === "escape") await pause(ESCAPE_MS);
  }

  /** What is wrong, if it stays so: a machine that has other work may show later what was done. */
  async #lastingly(look: () => Promise<string | null>): Promise<string | null> {
    const end = performance.now() + LASTING_MS;
    for (;;) {
      const wrong = await look();
      if (wrong === null || performance.now() > end) return wrong;
    }
  }

  /** What is to be seen then. @throws Ended */
  async #until(pattern: RegExp): Promise<string> {
    const either = new RegExp(`${pattern.source}|${ENDED.source}`, "m");
    const text = await this.#terminal.until(either, PATIENCE_MS);
    goingOn(text);
    return text;
  }

  #resize(size: Size): void {
    this.#size = size;
    this.#terminal.resize(size);
  }

  /** Of a screen that stands; null: it is as it must be, or it moves. */
  #garbled(text: string | null): string | null {
    if (text === null) return null;
    if (STACK.test(text)) return `a stack:\n${text}`;
    if (ENDED.test(text)) return null;
    const { columns, rows } = this.#size;
    const lines = text.split("\n");
    if (lines.length > rows) return `${lines.length} rows on ${rows}`;
    const wrong = lines.find((line) => FRAMED.test(line) && [...line].length !== columns);
    const other = this.#terminal.alternate;
    return wrong === undefined
      ? null
      : `a row is not ${columns} wide (alternate ${other}): ${wrong}\n${text}`;
  }

  /** Back to the panels, and the run stands. @returns what is wrong; null: nothing */
  async #home(): Promise<string | null> {
    const end = performance.now() + PATIENCE_MS;
    let text = "";
    while (performance.now() < end) {
      this.#terminal.send("\x1b");
      await pause(ESCAPE_MS);
      text = (await this.#terminal.still(STILL_MS, MOVES_MS)) ?? this.#terminal.text;
      goingOn(text);
      const runs = RUNS.test(text);
      if (HINTS.test(text) && !runs) return null;
      if (runs) this.#terminal.send(" ");
    }
    return `escape not leading back to the panels\n${text}`;
  }

  /** After some keys more: is the screen what it is when it is drawn anew? */
  async #redrawn(): Promise<string | null> {
    const { columns, rows } = PLAIN;
    this.#terminal.send("\t3jkn]\t?");
    await this.#until(/help: \/ searches/);
    this.#terminal.send("\x1b");
    await this.#until(HINTS);
    const before = goingOn(await this.#terminal.still(STILL_MS, PATIENCE_MS));
    this.#resize({ columns: columns - 1, rows });
    await this.#lastingly(async () => this.#garbled(this.#terminal.text));
    this.#resize(PLAIN);
    await this.#lastingly(async () => this.#garbled(this.#terminal.text));
    const after = goingOn(await this.#terminal.still(STILL_MS, PATIENCE_MS));
    if (before === null || after === null) return "it does not stand still";
    if (before !== after) return `drawn anew it is another screen:\n${before}\n---\n${after}`;
    return this.#garbled(after);
  }

  /** The session is saved, opens again where it was, and the terminal is given back. */
  async #kept(): Promise<string | null> {
    const file = join(this.#directory, SAVED);
    this.#terminal.send(`:save ${SAVED}\r`);
    const text = await this.#until(/saved: |cannot be/);
    if (!existsSync(file)) return `it was not saved:\n${text}`;
    const message = /message ([\d,]+)/.exec(text)?.[1]?.replaceAll(",", "");
    const again = Session.open(file);
    if (again.damage !== undefined || String(again.recorded) !== message)
      return `saved at message ${message}: ${again.recorded} messages, ${again.damage ?? "whole"}`;
    this.#terminal.send("q");
    const said = await this.#terminal.until(/^ended \d|not saved: /m, PATIENCE_MS);
    // Commands behind the message that it has gone back to are not in the file, and it asks.
    if (said.includes("not saved: ")) this.#terminal.send("q");
    const left = await this.#terminal.until(/^ended \d/m, PATIENCE_MS);
    return /^ended 0/m.test(left) ? this.#afterwards() : `q does not end it:\n${left}`;
  }

  #afterwards(): string | null {
    return this.#terminal.alternate === "0" ? null : "the shell's screen is not back";
  }
}

function bytesOfDeed(deed: Exclude<Deed, { size: Size } | { wait: number }>, size: Size): string {
  if ("key" in deed) return bytesOf(deed.key);
  if ("text" in deed) return deed.text;
  if ("line" in deed) return `:${deed.line}\r`;
  const { button, up, column, row } = deed;
  const at = `${1 + (column % size.columns)};${1 + (row % size.rows)}`;
  return `\x1b[<${button};${at}${up ? "m" : "M"}`;
}
