/** Takes the terminal over, and gives it back whatever happens. */

import { printFault } from "../io/standardStreams.ts";
import { namesOf } from "../lookup.ts";
import type { TerminalStream } from "./screen.ts";

/** The alternate screen, without a cursor, and without wrapping at the right edge. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J\x1b[H";
const LEAVE = "\x1b[0m\x1b[?2026l\x1b[?7h\x1b[?25h\x1b[?1049l";

const EXIT_CODES = { SIGTERM: 143, SIGHUP: 129, SIGINT: 130 } as const;
type Signal = keyof typeof EXIT_CODES;
const SIGNALS: readonly Signal[] = namesOf(EXIT_CODES);

interface RawInput {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
}

export class Terminal {
  readonly #output: TerminalStream;
  readonly #input: RawInput;
  readonly #handlers: (() => void)[] = [];
  #taken = false;

  readonly #last: () => void;

  /** @param last is called before the terminal is given back for good: nothing may be drawn any more */
  constructor(output: TerminalStream, input: RawInput, last: () => void = () => {}) {
    this.#last = last;
    this.#output = output;
    this.#input = input;
  }

  /** From here on the terminal is restored on exit, on a signal and on a crash. */
  take(): void {
    this.#on("exit", () => this.#end());
    for (const signal of SIGNALS) {
      this.#on(signal, () => {
        this.#end();
        process.exit(EXIT_CODES[signal]);
      });
    }
    this.#on("uncaughtException", (error: unknown) => {
      this.#end();
      printFault(error);
      process.exit(1);
    });
    this.enter();
  }

  enter(): void {
    this.#taken = true;
    this.#output.write(ENTER);
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
    if (this.#input.isTTY) this.#input.setRawMode?.(false);
    this.#output.write(LEAVE);
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

  #on(event: Signal | "exit" | "uncaughtException", handler: (error: unknown) => void): void {
    process.on(event, handler);
    this.#handlers.push(() => process.removeListener(event, handler));
  }
}
