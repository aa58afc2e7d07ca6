/**
 * The output of Pin's example tool pinatrace (ManualExamples/pinatrace.cpp): a line for each access of an
 * instruction, "ip: R address" or "ip: W address", and "#eof" at the end. Pin prints addresses with 0x.
 *
 * It tells no sizes, so an access is of one byte; and instructions only where they access memory, so they
 * are no fetches.
 */
import { READ, WRITE } from "../accesses.ts";
import { accessAt, type Line, textReading } from "./textLines.ts";
import { linesLike, type TraceFormat, type TraceInto } from "./traceFormat.ts";

const ACCESS = /^(?:0x)?[0-9a-f]+: ([RW]) (?:0x)?([0-9a-f]+)$/i;
const COMMENT = /^#/;

export const pinatrace: TraceFormat = {
  name: "pinatrace",
  title: "Pin's pinatrace",
  addresses: "linear",
  recognise: linesLike(ACCESS),
  read: (into) => textReading(into, lines),
};

function lines({ accesses }: TraceInto): (line: string) => Line {
  return (line) => {
    const [, letter, address = ""] = ACCESS.exec(line) ?? [];
    if (letter === undefined) return COMMENT.test(line) ? "other" : "unknown";
    const kind = letter.toUpperCase() === "R" ? READ : WRITE;
    return accessAt(accesses, address, 1, kind) ? "access" : "unknown";
  };
}
