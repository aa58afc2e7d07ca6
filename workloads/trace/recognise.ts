/** Which format a log is in, by its beginning. */
import { nearest } from "../../src/config/nearest.ts";
import { UserError } from "../../src/errors.ts";
import { MAGIC } from "./format.ts";
import { FORMATS } from "./formats/all.ts";
import type { TraceFormat } from "./formats/traceFormat.ts";

/** What is looked at. */
export const SAMPLE_BYTES = 1 << 16;
const NEWLINE = 10;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

const FOREIGN: readonly (readonly [string, string])[] = [
  [MAGIC.toString("latin1"), "is a trace already"],
  [
    "PK\x03\x04",
    "is a zip archive; give what is in it: unzip -p LOG.zip | trackvisor trace import - -o OUT",
  ],
  ["PERFILE2", "is perf's data; give its text: perf script | trackvisor trace import - -o OUT"],
  [
    "\xff\xfe",
    "is text in UTF-16; give it in UTF-8: iconv -f utf-16 -t utf-8 LOG | trackvisor trace import - -o OUT",
  ],
  [
    "\xfe\xff",
    "is text in UTF-16; give it in UTF-8: iconv -f utf-16 -t utf-8 LOG | trackvisor trace import - -o OUT",
  ],
];

/** @returns the format of that name. @throws UserError, with the nearest name, if there is none */
export function formatNamed(name: string): TraceFormat {
  const format = FORMATS.find((one) => one.name === name);
  if (format !== undefined) return format;
  throw new UserError(
    `no format is called "${name}"${nearest(name, formatNames())}; formats: ${formatNames().join(", ")}`,
  );
}

export function formatNames(): readonly string[] {
  return FORMATS.map(({ name }) => name);
}

/** The text without a byte order mark, in which PowerShell and editors begin one. */
export function withoutMark(start: Buffer): Buffer {
  return start.subarray(0, 3).equals(BYTE_ORDER_MARK) ? start.subarray(3) : start;
}

/**
 * The format that most lines at the beginning are of.
 * @param start the log's first SAMPLE_BYTES, or all of it
 * @throws UserError if it is of no format or could be of two
 */
export function recognise(start: Buffer): TraceFormat {
  const foreign = FOREIGN.find(([magic]) =>
    start.subarray(0, magic.length).equals(Buffer.from(magic, "latin1")),
  );
  if (foreign !== undefined) throw new UserError(foreign[1]);
  const newline = start.lastIndexOf(NEWLINE);
  const sample = start.length < SAMPLE_BYTES || newline < 0 ? start : start.subarray(0, newline);
  const found = FORMATS.map((format) => ({ format, lines: format.recognise(sample) }))
    .filter(({ lines }) => lines > 0)
    .sort((a, b) => b.lines - a.lines);
  const [best, second] = found;
  if (best === undefined) {
    throw new UserError(
      `no memory accesses in its first ${sample.length} bytes, in no known format; formats, for --format: ${formatNames().join(", ")}`,
    );
  }
  if (second?.lines === best.lines) {
    throw new UserError(
      `may be of ${best.format.name} or of ${second.format.name}; say which with --format`,
    );
  }
  return best.format;
}
