/** Takes the terminal over, and gives it back whatever happens. */

import { printFault } from "../io/standardStreams.ts";
import { namesOf } from "../lookup.ts";
import type { TerminalStream } from "./screen.ts";

/** Buttons, motions while one is held, and the wheel are to be reported, in the form that mouse.ts reads. */
export const MOUSE_ON = "\x1b[?1002h\x1b[?1006h";
export const MOUSE_OFF = "\x1b[?1006l\x1b[?1002l";
/** The alternate screen, without a cursor, and without wrapping at the right edge. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J\x1b[H";
const LEAVE = `${MOUSE_OFF}\x1b[0m\x1b[?2026l\x1b[?7h\x1b[?25h\x1b[?1049l`;

/** What xterm and tmux take at once for the clipboard, and some less. */
const CLIPBOARD_BYTES = 48 << 10;

/** xterm's ctlseqs, OSC 52: what the clipboard is to hold, in base64. Longer text is cut. */
export function clipboardSequence(text: string): string {
  const bytes = Buffer.from(text, "utf8").subarray(0, CLIPBOARD_BYTES);
  return `\x1b]52;c;${bytes.toString("base64")}\x07`;
}

const EXIT_CODES = { SIGTERM: 143, SIGHUP: 129, SIGINT: 130 } as const;
type Signal = keyof typeof EXIT_CODES;
const SIGNALS: readonly Signal[] = namesOf(EXIT_CODES);

interface RawInput {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
}

export interface TerminalOptions {
  /** Clicks and the wheel are reported. */
  readonly mouse: boolean;
  /** Called before the terminal is given back for good: nothing may be drawn any more. */
  readonly last: () => void;
  /** Ctrl-C from outside (SIGINT) is somebody else's: it does not end the process. */
  readonly leavesInterrupt?: boolean;
  /** Called at each change of size. Node tells of none where the last of several leads back to what it was. */
  readonly resized: () => void;
}

export class Terminal {
  readonly #output: TerminalStream;
  readonly #input: RawInput;
  readonly #handlers: (() => void)[] = [];
  #taken = false;

  readonly #mouse: boolean;
  readonly #last: () => void;
  readonly #resized: () => void;
  readonly #signals: readonly Signal[];

  constructor(output: TerminalStream, input: RawInput, options: TerminalOptions) {
    const { mouse, last, resized, leavesInterrupt = false } = options;
    this.#resized = resized;
    this.#mouse = mouse;
    this.#last = last;
    this.#signals = leavesInterrupt ? SIGNALS.filter((one) => one !== "SIGINT") : SIGNALS;
    this.#output = output;
    this.#input = input;
  }

  /** From here on the terminal is restored on exit, on a signal and on a crash. */
  take(): void {
    this.#on("exit", () => this.#end());
    for (const signal of this.#signals) {
      this.#on(signal, () => {
        this.#end();
        process.exit(EXIT_CODES[signal]);
      });
    }
    this.#on("SIGWINCH", () => this.#resized());
    this.#on("uncaughtException", (error: unknown) => {
      this.#end();
      printFault(error);
      process.exit(1);
    });
    this.enter();
  }

  enter(): void {
    this.#taken = true;
    this.#output.write(`${ENTER}${this.#mouse ? MOUSE_ON : ""}`);
  }

  /** Ink draws once more when the process ends: that must not reach the shell's screen. */
  #end(): void {
    this.#last();
    this.restore();
  }

  /** Back to what the shell had. Once is enough. */
  restore(): void {
    if (!this.#taken) return;
    this.#taken = false;
    if (this.#input.isTTY) this.#endRawMode();
    this.#output.write(LEAVE);
  }

  /** A terminal that is gone, as after SIGHUP, has no modes any more. */
  #endRawMode(): void {
    try {
      this.#input.setRawMode?.(false);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EIO")) throw error;
    }
  }

  /** Restores, and leaves the process as it was. */
  release(): void {
    this.restore();
    for (const remove of this.#handlers.splice(0)) remove();
  }

  /** To the shell, until it says "fg"; then `back` is called. */
  suspend(back: () => void): void {
    this.restore();
    process.once("SIGCONT", () => {
      if (this.#input.isTTY) this.#input.setRawMode?.(true);
      this.enter();
      back();
    });
    process.kill(process.pid, "SIGSTOP");
  }

  #on(
    event: Signal | "SIGWINCH" | "exit" | "uncaughtException",
    handler: (error: unknown) => void,
  ): void {
    process.on(event, handler);
    this.#handlers.push(() => process.removeListener(event, handler));
  }
}
