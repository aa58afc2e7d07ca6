/** For formats whose lines are read one by one as text: what they have in common. */
import type { Accesses } from "../accesses.ts";
import { type LineParser, LineReading } from "../lines.ts";
import { LINE_MAX, type TraceInto, type TraceReading } from "./traceFormat.ts";

/** What a line is: accesses, known to be none, or not understood. */
export type Line = "access" | "other" | "unknown";

const NEWLINE = 10;

/** @param lineOf makes the reader of one log: it says what a line is, and puts its accesses where they go */
export function textReading(
  into: TraceInto,
  lineOf: (into: TraceInto) => (line: string) => Line,
): TraceReading {
  return new LineReading(new TextLines(lineOf(into)));
}

class TextLines implements LineParser {
  private readonly lineOf: (line: string) => Line;
  /** What the line is that was looked at last. */
  private last: Line = "unknown";

  constructor(lineOf: (line: string) => Line) {
    this.lineOf = lineOf;
  }

  accessLine(bytes: Buffer, start: number): number {
    const newline = bytes.indexOf(NEWLINE, start);
    const line =
      newline - start > LINE_MAX ? undefined : bytes.toString("latin1", start, newline).trimEnd();
    this.last = line === undefined ? "unknown" : line === "" ? "other" : this.lineOf(line);
    return this.last === "access" ? newline + 1 : 0;
  }

  otherLine(): boolean {
    return this.last === "other";
  }
}

/**
 * Notes an access at an address in hexadecimal digits.
 * @returns false if the digits are more than 16, or it ends beyond 2^64
 */
export function accessAt(accesses: Accesses, digits: string, size: number, kind: number): boolean {
  if (digits.length > 16) return false;
  const high = Number.parseInt(digits.slice(0, -8) || "0", 16);
  return accesses.access(high, Number.parseInt(digits.slice(-8), 16), size, kind);
}
