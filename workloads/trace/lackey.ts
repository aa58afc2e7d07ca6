/**
 * Reads the log of `valgrind --tool=lackey --trace-mem=yes`, given in pieces of any size. Lines that
 * are not accesses (valgrind's own, the program's output, damaged ones) are skipped and counted.
 *
 * An access that crosses a page boundary counts as one access to each of the pages. Consecutive
 * accesses of the same kind to the same page are merged into runs.
 */
import { RUN_LENGTH_MAX, TRACE_PAGES_MAX } from "./format.ts";
import type { RunSink } from "./runs.ts";

/** Longest line that can be an access, with its line end; longer ones are skipped unread. */
const LINE_MAX = 256;
const ADDRESS_DIGITS_MAX = 16;
const SIZE_DIGITS_MAX = 4;
const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const COMMA = 44;
const ZERO = 48;
const FETCH = 73; // "I"
const EQUALS = 61;
const BAD = 255;

/** Value of each hexadecimal digit; BAD for other bytes. */
const HEX = new Uint8Array(256).fill(BAD);
for (let value = 0; value < 16; value++) {
  HEX[value.toString(16).charCodeAt(0)] = value;
  HEX[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}
/** Kind of an access for the letter of a line " L", " S" or " M"; BAD for other bytes. */
const KIND = new Uint8Array(256).fill(BAD);
KIND["L".charCodeAt(0)] = 0;
KIND["S".charCodeAt(0)] = 1;
KIND["M".charCodeAt(0)] = 3;

export class LackeyParser {
  /** Lines that were accesses, and lines that were not. */
  accessLines = 0;
  skippedLines = 0;
  /** Accesses that crossed a page boundary. */
  splitAccesses = 0;
  /** The program's command line as valgrind wrote it; empty before it has been seen. */
  command = "";

  private readonly sink: RunSink;
  /** The start of a line whose end has not come yet. */
  private readonly carry = Buffer.alloc(LINE_MAX);
  private carried = 0;
  /** The line is too long to be kept: its end is all that counts. */
  private overlong = false;
  private page = -1;
  private kind = 0;
  private length = 0;

  constructor(sink: RunSink) {
    this.sink = sink;
  }

  /** Takes the next bytes of the log; they may be reused afterwards. */
  push(chunk: Buffer): void {
    let from = 0;
    if (this.carried > 0 || this.overlong) {
      const newline = chunk.indexOf(NEWLINE);
      this.keep(chunk, 0, newline < 0 ? chunk.length : newline + 1);
      if (newline < 0) return;
      this.endCarriedLine();
      from = newline + 1;
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > from) this.lines(chunk, from, end);
    else if (end < from) return;
    this.keep(chunk, Math.max(from, end), chunk.length);
  }

  /** Ends the log. A last line without its line end counts if it is complete. */
  end(): void {
    if (this.carried > 0 || this.overlong) {
      this.keep(Buffer.from("\n"), 0, 1);
      this.endCarriedLine();
    }
    this.flush();
  }

  private keep(chunk: Buffer, from: number, to: number): void {
    if (this.overlong) return;
    if (this.carried + to - from > LINE_MAX) {
      this.overlong = true;
      return;
    }
    this.carried += chunk.copy(this.carry, this.carried, from, to);
  }

  private endCarriedLine(): void {
    if (this.overlong) this.skippedLines++;
    else this.lines(this.carry, 0, this.carried);
    this.carried = 0;
    this.overlong = false;
  }

  /** Reads whole lines: a newline is the last byte before `end`, so no line runs past it. */
  private lines(bytes: Buffer, from: number, end: number): void {
    let at = from;
    while (at < end) {
      const next = this.accessLine(bytes, at);
      if (next > 0) {
        this.accessLines++;
        at = next;
      } else {
        const newline = bytes.indexOf(NEWLINE, at);
        this.skippedLines++;
        if (this.command === "" && bytes[at] === EQUALS) this.findCommand(bytes, at, newline);
        at = newline + 1;
      }
    }
  }

  /** @returns the start of the next line; 0 if this one is no access. */
  private accessLine(bytes: Buffer, start: number): number {
    let at = start;
    let kind = 2;
    if (bytes[at] === FETCH) {
      if (bytes[at + 1] !== SPACE || bytes[at + 2] !== SPACE) return 0;
    } else {
      if (bytes[at] !== SPACE) return 0;
      kind = KIND[bytes[at + 1]!]!;
      if (kind === BAD || bytes[at + 2] !== SPACE) return 0;
    }
    at += 3;
    const firstDigit = at;
    let low = 0;
    let high = 0;
    let digit = HEX[bytes[at]!]!;
    for (; digit !== BAD; digit = HEX[bytes[++at]!]!) {
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | digit;
    }
    const digits = at - firstDigit;
    if (digits === 0 || digits > ADDRESS_DIGITS_MAX || bytes[at] !== COMMA) return 0;
    at++;
    const firstSizeDigit = at;
    let size = 0;
    let decimal = bytes[at]! - ZERO;
    for (; decimal >= 0 && decimal <= 9; decimal = bytes[++at]! - ZERO) size = size * 10 + decimal;
    if (size === 0 || at - firstSizeDigit > SIZE_DIGITS_MAX) return 0;
    if (bytes[at] === RETURN) at++;
    if (bytes[at] !== NEWLINE) return 0;

    const page = (high >>> 0) * 1048576 + (low >>> 12);
    const lastPage = page + (((low & 4095) + size - 1) >>> 12);
    if (lastPage >= TRACE_PAGES_MAX) return 0;
    this.access(page, kind);
    if (lastPage !== page) {
      this.splitAccesses++;
      for (let next = page + 1; next <= lastPage; next++) this.access(next, kind);
    }
    return at + 1;
  }

  private access(page: number, kind: number): void {
    if (page === this.page && kind === this.kind && this.length < RUN_LENGTH_MAX) {
      this.length++;
      return;
    }
    this.flush();
    this.page = page;
    this.kind = kind;
    this.length = 1;
  }

  private flush(): void {
    if (this.length > 0) this.sink.run(this.page, this.kind, this.length);
    this.length = 0;
  }

  /** Valgrind's line is "==pid== Command: words". */
  private findCommand(bytes: Buffer, start: number, newline: number): void {
    const match = /^==\d+== Command: (.*?)\r?$/.exec(bytes.toString("utf8", start, newline));
    if (match?.[1] !== undefined) this.command = match[1];
  }
}
