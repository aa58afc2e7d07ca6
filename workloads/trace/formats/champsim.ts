/**
 * ChampSim's binary traces (inc/trace_instruction.h, struct input_instr): records of 64 bytes, little-endian,
 *
 *   ip 8, is_branch 1, branch_taken 1, destination registers 2, source registers 4,
 *   destination memory 2 x 8, source memory 4 x 8
 *
 * where a memory address of 0 is none. An instruction is a fetch at ip, then its reads, then its writes.
 * Sizes are not told: each access is of one byte. Traces for SPARC (cloudsuite_instr) have other records.
 */
import { byteAt } from "../../../src/lookup.ts";
import { type Accesses, FETCH, READ, WRITE } from "../accesses.ts";
import {
  nothingRead,
  type TraceFormat,
  type TraceReading,
  type Understood,
} from "./traceFormat.ts";

const RECORD_BYTES = 64;
const IS_BRANCH = 8;
const BRANCH_TAKEN = 9;
const DESTINATION_MEMORY = 16;
const SOURCE_MEMORY = 32;
/** Bytes of a record that are shown. */
const SHOWN_BYTES = 16;
/** Upper words of canonical addresses of 57 bits (SDM 1, 3.3.7.1). */
const LOWER_HALF = 1 << 24;
const UPPER_HALF = 0xff000000;

export const champsim: TraceFormat = {
  name: "champsim",
  title: "ChampSim's binary traces",
  addresses: "linear",
  recognise(sample) {
    const records = Math.floor(sample.length / RECORD_BYTES);
    for (let i = 0; i < records; i++) if (!isRecord(sample, i * RECORD_BYTES)) return 0;
    return records;
  },
  read: ({ accesses }) => new RecordReading(accesses),
};

class RecordReading implements TraceReading {
  readonly understood: Understood = nothingRead("record");
  private readonly accesses: Accesses;
  /** The start of a record whose end has not come yet. */
  private readonly carry = Buffer.alloc(RECORD_BYTES);
  private carried = 0;

  constructor(accesses: Accesses) {
    this.accesses = accesses;
  }

  push(chunk: Buffer): void {
    let at = 0;
    if (this.carried > 0) {
      at = chunk.copy(this.carry, this.carried, 0, RECORD_BYTES - this.carried);
      this.carried += at;
      if (this.carried < RECORD_BYTES) return;
      this.record(this.carry, 0);
    }
    for (; at + RECORD_BYTES <= chunk.length; at += RECORD_BYTES) this.record(chunk, at);
    this.carried = chunk.copy(this.carry, 0, at);
  }

  end(): void {
    if (this.carried > 0) this.unknown(this.carry, 0, this.carried);
    this.carried = 0;
  }

  private record(bytes: Buffer, at: number): void {
    if (!isRecord(bytes, at)) {
      this.unknown(bytes, at, RECORD_BYTES);
      return;
    }
    this.understood.accessLines++;
    this.accessAt(bytes, at, FETCH);
    for (let from = at + SOURCE_MEMORY; from < at + RECORD_BYTES; from += 8) {
      this.accessAt(bytes, from, READ);
    }
    for (let to = at + DESTINATION_MEMORY; to < at + SOURCE_MEMORY; to += 8) {
      this.accessAt(bytes, to, WRITE);
    }
  }

  private accessAt(bytes: Buffer, at: number, kind: number): void {
    const low = bytes.readUInt32LE(at);
    const high = bytes.readUInt32LE(at + 4);
    if (low !== 0 || high !== 0) this.accesses.access(high, low, 1, kind);
  }

  private unknown(bytes: Buffer, at: number, length: number): void {
    const { understood } = this;
    const line = understood.accessLines + ++understood.unknownLines;
    const text = bytes.toString("hex", at, at + Math.min(length, SHOWN_BYTES));
    understood.firstUnknown ??= { line, text };
  }
}

/** Whether all of a record is possible. */
function isRecord(bytes: Buffer, at: number): boolean {
  if (byteAt(bytes, at + IS_BRANCH) > 1 || byteAt(bytes, at + BRANCH_TAKEN) > 1) return false;
  if (bytes.readUInt32LE(at) === 0 && bytes.readUInt32LE(at + 4) === 0) return false;
  if (!isCanonical(bytes, at)) return false;
  for (let word = at + DESTINATION_MEMORY; word < at + RECORD_BYTES; word += 8) {
    if (!isCanonical(bytes, word)) return false;
  }
  return true;
}

function isCanonical(bytes: Buffer, at: number): boolean {
  const high = bytes.readUInt32LE(at + 4);
  return high < LOWER_HALF || high >= UPPER_HALF;
}
