/** What a format of traces is: a row of the table in all.ts. */
import type { Accesses } from "../accesses.ts";
import type { AddressKind } from "../format.ts";
import type { Processes } from "../processes.ts";

/** Where a reader puts what it reads. */
export interface TraceInto {
  readonly accesses: Accesses;
  readonly processes: Processes;
  /** What the addresses of the trace are to be. */
  readonly addresses: AddressKind;
  /** Whether what comes before damage is taken. */
  readonly lenient: boolean;
}

/** What of a log was understood. */
export interface Understood {
  /** What is counted: lines of a text, records of a binary log. */
  readonly unit: "line" | "record";
  /** Those that were accesses, those that are known not to be any, and those that were not understood. */
  accessLines: number;
  otherLines: number;
  unknownLines: number;
  /** The first that was not understood: its number, from 1, and its beginning. Text from the log. */
  firstUnknown: { readonly line: number; readonly text: string } | undefined;
}

/** Before anything was read. */
export function nothingRead(unit: Understood["unit"]): Understood {
  return { unit, accessLines: 0, otherLines: 0, unknownLines: 0, firstUnknown: undefined };
}

/** Reads a log that is given in pieces of any size. */
export interface TraceReading {
  readonly understood: Readonly<Understood>;
  /** What else the log has said of itself at its end, a line each. */
  readonly notes?: readonly string[];
  /** Takes the next bytes; they may be reused afterwards. */
  push(chunk: Buffer): void;
  /** Ends the log. A last line without its line end counts if it is complete. */
  end(): void;
}

export interface TraceFormat {
  /** As `--format` takes it. */
  readonly name: string;
  /** What writes it, for people. */
  readonly title: string;
  readonly addresses: AddressKind;
  /**
   * How many lines or records of a log's beginning are accesses of this format and of no other; 0: it is
   * another format. @param sample whole lines, unless the log has none
   */
  recognise(sample: Buffer): number;
  read(into: TraceInto): TraceReading;
}

/** Longer lines are of no format: no pattern is tried on them. */
export const LINE_MAX = 4096;

/** A way to recognise a text: the lines that look like this. @param line tried on each line, without its end */
export function linesLike(line: RegExp): (sample: Buffer) => number {
  return (sample) =>
    sample
      .toString("latin1")
      .split("\n")
      .filter((text) => text.length <= LINE_MAX && line.test(text.trimEnd())).length;
}
