/** A terminal in memory: understands what the screen writes, and types keys. */
import { EventEmitter } from "node:events";
import type { ColourMode } from "../../src/io/standardStreams.ts";
import { Session } from "../../src/session/session.ts";
import { type Scenario, scenarioSchema } from "../../src/system/scenarioSchema.ts";
import type { Driver } from "../../src/tui/driver.ts";
import { keyMap } from "../../src/tui/keys.ts";
import { startTui, type TuiOptions } from "../../src/tui/start.tsx";
import { type Look, UNICODE } from "../../src/tui/themes.ts";

/** ESC [ parameters letter. */
const ESCAPE = "\u001b";
const CSI = new RegExp(`${ESCAPE}\\[(\\??[\\d;]*)([A-Za-z])`, "y");
/** ESC ] 52 ; c ; base64 BEL: for the clipboard. */
const OSC = new RegExp(`${ESCAPE}\\]52;c;([A-Za-z0-9+/=]*)\u0007`, "y");

export class FakeOutput extends EventEmitter {
  columns: number;
  rows: number;
  /** Everything that was written. */
  written = "";
  /** What was copied last. */
  clipboard = "";
  #cells: string[][] = [];
  #row = 0;
  #column = 0;
  /** Rows and columns beyond the terminal's that were written to. */
  overflow = 0;

  constructor(columns: number, rows: number) {
    super();
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): boolean {
    this.written += text;
    for (let i = 0; i < text.length; ) {
      CSI.lastIndex = i;
      OSC.lastIndex = i;
      const match = CSI.exec(text);
      const copied = OSC.exec(text);
      if (match !== null) this.#control(match[1]!, match[2]!);
      else if (copied !== null) this.clipboard = Buffer.from(copied[1]!, "base64").toString();
      else this.#put(text[i]!);
      i += (match ?? copied)?.[0].length ?? 1;
    }
    return true;
  }

  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    this.emit("resize");
  }

  /** What is on the screen, without colours. */
  get text(): string {
    const lines = Array.from({ length: this.rows }, (_, row) =>
      Array.from(this.#cells[row] ?? [], (cell) => cell ?? " ")
        .join("")
        .trimEnd(),
    );
    return lines.join("\n").trimEnd();
  }

  #control(parameters: string, command: string): void {
    if (command === "H") {
      const [row = 1, column = 1] = parameters.split(";").map((one) => Number(one) || 1);
      [this.#row, this.#column] = [row - 1, column - 1];
    } else if (command === "K") {
      this.#cells[this.#row] = (this.#cells[this.#row] ?? []).slice(0, this.#column);
    } else if (command === "J") this.#cells = [];
    else if (!"mhl".includes(command)) throw new Error(`ESC [${parameters}${command}`);
  }

  #put(character: string): void {
    if (character < " ") throw new Error(`character ${character.charCodeAt(0)}`);
    if (this.#row >= this.rows || this.#column >= this.columns) this.overflow++;
    this.#cells[this.#row] ??= [];
    this.#cells[this.#row]![this.#column++] = character;
  }
}

/** Keys as a terminal sends them. */
const KEYS: Readonly<Record<string, string>> = {
  enter: "\r",
  escape: "\x1b",
  tab: "\t",
  up: "\x1b[A",
  down: "\x1b[B",
  right: "\x1b[C",
  left: "\x1b[D",
  home: "\x1b[H",
  end: "\x1b[F",
  pageup: "\x1b[5~",
  pagedown: "\x1b[6~",
  "shift+tab": "\x1b[Z",
  "shift+up": "\x1b[1;2A",
  "shift+down": "\x1b[1;2B",
  "shift+right": "\x1b[1;2C",
  "shift+left": "\x1b[1;2D",
  space: " ",
  backspace: "\x7f",
};

/** What a terminal sends for a key, by its name. */
export function bytesOf(name: string): string {
  const control = /^ctrl\+([a-z])$/.exec(name)?.[1];
  if (control !== undefined) return String.fromCharCode(control.charCodeAt(0) & 0x1f);
  return KEYS[name] ?? name;
}

export class FakeInput extends EventEmitter {
  readonly isTTY = true;
  #waiting: string | null = null;

  setRawMode(): void {}
  setEncoding(): void {}
  ref(): void {}
  unref(): void {}

  read(): string | null {
    const text = this.#waiting;
    this.#waiting = null;
    return text;
  }

  type(text: string): void {
    this.#waiting = text;
    this.emit("readable");
  }
}

/** From 0. */
export interface Cell {
  readonly column: number;
  readonly row: number;
}

export interface Robot {
  readonly driver: Driver;
  readonly session: Session;
  readonly output: FakeOutput;
  /** Types keys by their names, each followed by what it does. */
  keys(...names: string[]): Promise<void>;
  /** Presses a mouse button and lets it go, at a cell from 0; 64, 65: the wheel up, down. */
  click(column: number, row: number, button?: number): Promise<void>;
  /** Presses the button at a cell, moves to another with it held, and lets it go there. */
  drag(from: Cell, to: Cell): Promise<void>;
  /** Waits until the run stands. */
  stands(): Promise<void>;
  quit(): Promise<void>;
  /** When the screen has been closed. */
  readonly ended: Promise<void>;
}

/** A small machine that has everything to see: two VMs, more vCPUs than CPUs. */
export function smallUnder(technique: string): Scenario {
  return scenarioSchema.parse({
    name: "small",
    seed: 7,
    machine: { cpus: 2, timeslice: "20us", logEntries: 32, quantum: "5us" },
    vms: [
      {
        name: "one",
        vcpus: 2,
        workload: { kind: "uniform", pages: 300, writeFraction: 0.5, accesses: 6000 },
      },
      { name: "two", workload: { kind: "sequential", pages: 120, writeFraction: 0.3, passes: 20 } },
    ],
    tracker: { technique },
    operation: { kind: "measure", harvest: "40us" },
  });
}

/** The same under PRL. */
export const SMALL = smallUnder("prl");

export async function startRobot(
  options: Partial<TuiOptions> & { columns?: number; rows?: number; colours?: ColourMode } = {},
): Promise<Robot> {
  const { columns = 80, rows = 24, colours = "plain" } = options;
  const session = options.session ?? Session.start(SMALL, ".");
  const output = new FakeOutput(columns, rows);
  const input = new FakeInput();
  const look: Look = { theme: "default", colours, glyphs: UNICODE };
  let driver: Driver | undefined;
  const readable: object = input;
  const ended = startTui({
    session,
    look,
    keys: keyMap("", {}),
    input: readable as NodeJS.ReadStream,
    output,
    takeTerminal: false,
    ...options,
    onDriver: (one) => {
      driver = one;
    },
  });
  const robot: Robot = {
    driver: driver!,
    session,
    output,
    ended,
    async keys(...names) {
      for (const name of names) {
        input.type(bytesOf(name));
        do await settled();
        while (driver!.shown().run.status === "busy");
      }
      driver!.paint();
    },
    async click(column, row, button = 0) {
      const report = `\x1b[<${button};${column + 1};${row + 1}`;
      input.type(`${report}M${report}m`);
      await settled();
      driver!.paint();
    },
    async drag(from, to) {
      const at = ({ column, row }: Cell): string => `${column + 1};${row + 1}`;
      const middle = {
        column: Math.round((from.column + to.column) / 2),
        row: Math.round((from.row + to.row) / 2),
      };
      for (const text of [`0;${at(from)}M`, `32;${at(middle)}M`, `32;${at(to)}M`, `0;${at(to)}m`]) {
        input.type(`\x1b[<${text}`);
        await settled();
      }
      driver!.paint();
    },
    async stands() {
      while (driver!.shown().run.status === "running") await settled();
      driver!.paint();
    },
    async quit() {
      driver!.quit();
      // What the operator did is not saved: so be it.
      if (driver!.shown().mode === "question") driver!.press("q", "q");
      await ended;
    },
  };
  // Ink listens from an effect on, which a busy machine may run later than others: a key before that is lost.
  do await settled();
  while (input.listenerCount("readable") === 0);
  return robot;
}

/** Ink tells a lone escape from the start of a sequence by waiting a little. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 30));
}
