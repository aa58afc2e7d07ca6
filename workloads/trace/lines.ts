/** Lines of a log that comes in pieces: whole lines go to a parser, what it makes of them is counted. */
import { nothingRead, type TraceReading, type Understood } from "./formats/traceFormat.ts";

/** Understands lines. */
export interface LineParser {
  /**
   * Reads a line that is an access; a newline follows it.
   * @returns the start of the next line; 0 if this one is no access
   */
  accessLine(bytes: Buffer, start: number): number;
  /** Whether a line that is no access is known to be none. @param line without its end */
  otherLine(line: string): boolean;
  /** The log has ended. */
  end?(): void;
}

/** Longest line with its line end that is read if it comes in two pieces. */
const LINE_MAX = 1 << 16;
/** Characters kept of a line that is not understood. */
const SHOWN_MAX = 80;
const NEWLINE = 10;

export class LineReading implements TraceReading {
  readonly understood: Understood = nothingRead("line");

  private readonly parser: LineParser;
  /** The start of a line whose end has not come yet. */
  private readonly carry = Buffer.alloc(LINE_MAX);
  private carried = 0;
  /** The line is too long to be kept: its end is all that counts. */
  private overlong = false;

  constructor(parser: LineParser) {
    this.parser = parser;
  }

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

  end(): void {
    if (this.carried > 0 || this.overlong) {
      this.keep(Buffer.from("\n"), 0, 1);
      this.endCarriedLine();
    }
    this.parser.end?.();
  }

  private keep(chunk: Buffer, from: number, to: number): void {
    if (this.overlong) return;
    if (this.carried + to - from > LINE_MAX) {
      // What was kept of it is shown if it is the first that is not understood.
      chunk.copy(this.carry, this.carried, from, to);
      this.overlong = true;
      return;
    }
    this.carried += chunk.copy(this.carry, this.carried, from, to);
  }

  private endCarriedLine(): void {
    if (this.overlong) this.unknown(this.carry.toString("utf8", 0, SHOWN_MAX));
    else this.lines(this.carry, 0, this.carried);
    this.carried = 0;
    this.overlong = false;
  }

  /** Reads whole lines: a newline is the last byte before `end`, so no line runs past it. */
  private lines(bytes: Buffer, from: number, end: number): void {
    const { parser, understood } = this;
    let at = from;
    while (at < end) {
      const next = parser.accessLine(bytes, at);
      if (next > 0) {
        understood.accessLines++;
        at = next;
        continue;
      }
      const newline = bytes.indexOf(NEWLINE, at);
      const text = bytes.toString("utf8", at, Math.min(newline, at + LINE_MAX)).trimEnd();
      if (parser.otherLine(text)) understood.otherLines++;
      else this.unknown(text);
      at = newline + 1;
    }
  }

  private unknown(text: string): void {
    const { understood } = this;
    const line = understood.accessLines + understood.otherLines + ++understood.unknownLines;
    understood.firstUnknown ??= { line, text: text.slice(0, SHOWN_MAX) };
  }
}
