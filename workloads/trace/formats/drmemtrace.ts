/**
 * What DynamoRIO's view tool prints of a memory trace (drcachesim/tools/view.cpp):
 *
 *   record instruction: thread ifetch       3 byte(s) @ 0x00007f3a104d1090 48 89 e7   mov ...
 *   record instruction: thread read         8 byte(s) @ 0x00007f3a104f5e70 by PC 0x00007f3a104d1e5a
 *   record instruction: thread <marker: timestamp 13335000000000000>
 *
 * Newer versions write W0.T187098 for the thread: of a workload, which is an address space. An instruction of
 * many bytes has a second line, with nothing but bytes. Prefetches and flushes are hints, and not counted.
 */
import { FETCH, READ, WRITE } from "../accesses.ts";
import { accessAt, type Line, textReading } from "./textLines.ts";
import { linesLike, type TraceFormat, type TraceInto } from "./traceFormat.ts";

const RECORD =
  /^ *\d+ +\d+: +(?:W(\d{1,9})\.T)?\d+ (ifetch|read|write|iflush|dflush|pref\S*) +(\d{1,10}) byte\(s\) @ 0x([0-9a-f]{1,16})\b/;
const OTHERS: readonly RegExp[] = [
  /^ *\d+ +\d+: +\S+ (?:<.*>|[0-9a-f ]+)$/,
  /^Output format:$/,
  /^<--record#-> /,
  /^-+$/,
  /^View tool results:$/,
  /^ *\d+ : total instructions$/,
  /^=+$/,
];
const KINDS: Readonly<Record<string, number>> = { ifetch: FETCH, read: READ, write: WRITE };
/** The largest of x86 are AMX tiles of 1 KiB and XSAVE areas of some 11 KiB; a record of more is damaged. */
const SIZE_MAX = 1 << 16;

export const drmemtrace: TraceFormat = {
  name: "drmemtrace",
  title: "DynamoRIO's drmemtrace, by its view tool",
  addresses: "linear",
  recognise: linesLike(RECORD),
  read: (into) => textReading(into, lines),
};

function lines({ accesses, processes }: TraceInto): (line: string) => Line {
  return (line) => {
    const [, workload, name = "", size = "", address = ""] = RECORD.exec(line) ?? [];
    if (name === "") return OTHERS.some((other) => other.test(line)) ? "other" : "unknown";
    const kind = KINDS[name];
    if (kind === undefined) return "other";
    const bytes = Number(size);
    if (bytes > SIZE_MAX) return "unknown";
    // An instruction that a repeated one is split into again is not fetched again, and has no bytes.
    if (bytes === 0) return "other";
    if (workload !== undefined) processes.access(Number(workload));
    return accessAt(accesses, address, bytes, kind) ? "access" : "unknown";
  };
}
