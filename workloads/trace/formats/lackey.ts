/**
 * The log of `valgrind --tool=lackey --trace-mem=yes`, in the dialects that are about: as valgrind writes it
 * ("I  addr,size", " L addr,size", " S", " M"; lackey/lk_main.c, trace_instr and its like), with its blanks
 * stripped or made one (courses do), with "==pid== " before accesses, with 0x, in upper case, with CR LF.
 *
 * Valgrind's own messages are "==pid== text", with --time-stamp=yes "==days:time pid== text"; also in "--"
 * (debug) and "**" (of the client). Accesses that it writes carry no process.
 */
import { FETCH, MODIFY, READ, WRITE } from "../accesses.ts";
import { type LineParser, LineReading } from "../lines.ts";
import { linesLike, type TraceFormat, type TraceInto } from "./traceFormat.ts";

const ADDRESS_DIGITS_MAX = 16;
const SIZE_DIGITS_MAX = 4;
const PROCESS_DIGITS_MAX = 9;
const NEWLINE = 10;
const RETURN = 13;
const TAB = 9;
const SPACE = 32;
const COMMA = 44;
const ZERO = 48;
const EQUALS = 61;
const LOWER_X = 120;
const UPPER_X = 88;
const BAD = 255;

/** Value of each hexadecimal digit; BAD for other bytes. */
const HEX = new Uint8Array(256).fill(BAD);
for (let value = 0; value < 16; value++) {
  HEX[value.toString(16).charCodeAt(0)] = value;
  HEX[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}
/** Kind of an access by its letter; BAD for other bytes. */
const KIND = new Uint8Array(256).fill(BAD);
KIND["I".charCodeAt(0)] = FETCH;
KIND["L".charCodeAt(0)] = READ;
KIND["S".charCodeAt(0)] = WRITE;
KIND["M".charCodeAt(0)] = MODIFY;

const MESSAGE = /^(==|--|\*\*)(?:[\d:.]+ )?(\d{1,9})\1(?: (.*))?$/;
const COMMAND = /^Command: (.*)$/;
/** The last line of lackey (lk_fini). */
const EXIT = /^Exit code: +-?\d+$/;
/** What --trace-superblocks=yes adds. */
const SUPERBLOCK = /^SB [0-9a-f]+$/;

export const lackey: TraceFormat = {
  name: "lackey",
  title: "valgrind --tool=lackey --trace-mem=yes",
  addresses: "linear",
  recognise: linesLike(
    /^(==\d{1,9}==)?[ \t]*[ILSM][ \t]*(0[xX])?[0-9a-fA-F]{1,16}[ \t]*,[ \t]*\d{1,4}$/,
  ),
  read: (into) => new LineReading(new LackeyParser(into)),
};

class LackeyParser implements LineParser {
  private readonly into: TraceInto;
  /** Whether an access without a process has come since the last message. */
  private untold = false;

  constructor(into: TraceInto) {
    this.into = into;
  }

  accessLine(bytes: Buffer, start: number): number {
    let at = start;
    const carriesProcess = bytes[at] === EQUALS;
    if (carriesProcess) {
      at = afterProcess(bytes, at);
      if (at === 0) return 0;
    }
    while (bytes[at] === SPACE || bytes[at] === TAB) at++;
    const kind = KIND[bytes[at]!]!;
    if (kind === BAD) return 0;
    at++;
    while (bytes[at] === SPACE || bytes[at] === TAB) at++;
    if (bytes[at] === ZERO && (bytes[at + 1] === LOWER_X || bytes[at + 1] === UPPER_X)) at += 2;
    const firstDigit = at;
    let low = 0;
    let high = 0;
    let digit = HEX[bytes[at]!]!;
    for (; digit !== BAD; digit = HEX[bytes[++at]!]!) {
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | digit;
    }
    const digits = at - firstDigit;
    if (digits === 0 || digits > ADDRESS_DIGITS_MAX) return 0;
    while (bytes[at] === SPACE || bytes[at] === TAB) at++;
    if (bytes[at] !== COMMA) return 0;
    at++;
    while (bytes[at] === SPACE || bytes[at] === TAB) at++;
    const firstSizeDigit = at;
    let size = 0;
    let decimal = bytes[at]! - ZERO;
    for (; decimal >= 0 && decimal <= 9; decimal = bytes[++at]! - ZERO) size = size * 10 + decimal;
    if (size === 0 || at - firstSizeDigit > SIZE_DIGITS_MAX) return 0;
    while (bytes[at] === SPACE || bytes[at] === TAB || bytes[at] === RETURN) at++;
    if (bytes[at] !== NEWLINE) return 0;

    if (carriesProcess) this.into.processes.access(processOf(bytes, start));
    else if (!this.untold) {
      this.untold = true;
      this.into.processes.untoldAccess();
    }
    return this.into.accesses.access(high, low, size, kind) ? at + 1 : 0;
  }

  otherLine(line: string): boolean {
    if (line === "" || SUPERBLOCK.test(line)) return true;
    const [, , digits, text = ""] = MESSAGE.exec(line) ?? [];
    if (digits === undefined) return false;
    this.untold = false;
    const { processes } = this.into;
    const process = Number(digits);
    const command = COMMAND.exec(text)?.[1];
    if (command !== undefined) processes.starts(process, command);
    else if (EXIT.test(text)) processes.ends(process);
    else processes.message(process);
    return true;
  }
}

/** @returns what follows "==digits=="; 0 if that is not there */
function afterProcess(bytes: Buffer, start: number): number {
  let at = start + 2;
  while (bytes[at]! >= ZERO && bytes[at]! <= ZERO + 9) at++;
  const digits = at - start - 2;
  const isProcess =
    bytes[start + 1] === EQUALS &&
    digits > 0 &&
    digits <= PROCESS_DIGITS_MAX &&
    bytes[at] === EQUALS &&
    bytes[at + 1] === EQUALS;
  return isProcess ? at + 2 : 0;
}

function processOf(bytes: Buffer, start: number): number {
  let process = 0;
  for (let at = start + 2; bytes[at] !== EQUALS; at++) process = process * 10 + bytes[at]! - ZERO;
  return process;
}
