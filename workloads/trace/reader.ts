/**
 * Reads trace files block by block. A file may be cut off, damaged or made to harm: every length is
 * bounded before memory is taken for it, and what follows the first damage is not used.
 */

import { inflateRawSync } from "node:zlib";
import { UserError } from "../../src/errors.ts";
import { type ByteSource, openSource } from "../../src/io/byteSource.ts";
import { byteAt, itemAt, wordAt } from "../../src/lookup.ts";
import { decodeEvents, EVENT_BYTES_MAX, EVENTS_MAX } from "./events.ts";
import {
  type AddressKind,
  type Damage,
  decodeHeader,
  decodeTotals,
  EVENTS_PREFIX_BYTES,
  extendDigest,
  FrameType,
  type KindCounts,
  MAGIC,
  PREAMBLE_BYTES,
  RUN_BYTES_MAX,
  RUNS_MAX,
  RUNS_PREFIX_BYTES,
  type TraceHeader,
  type TraceTotals,
  totalAccesses,
  VERSION,
  VERSION_WITH_CONSOLE,
} from "./format.ts";
import { type Frame, FrameReader } from "./frameReader.ts";
import { PrintedText } from "./printed.ts";
import { decodeRuns, RunBlock } from "./runs.ts";

/** Reads one trace file in order; close() it. Holds one block at a time. */
export class TraceReader {
  readonly path: string;
  readonly fileBytes: number;
  /** Undefined if the header is damaged. */
  readonly header: TraceHeader | undefined;
  /** Set by next() when it meets damage. */
  damage: Damage | undefined;
  /** The end marker, once next() has met it. */
  end: TraceTotals | undefined;
  /** Of the block that next() returned last: first byte, checksum. */
  blockOffset = 0;
  blockChecksum = 0;
  /** Its number: that of the first block after the header is 1. */
  blockNumber = 0;
  /** First byte of the end marker, once next() has met it. */
  endOffset = 0;
  /** Blocks, runs, accesses and digest of what next() has returned so far. */
  blocks = 0;
  runs = 0;
  readonly kinds: KindCounts = [0, 0, 0, 0];
  digest = 0;
  /** What was printed in what next() has passed so far. */
  readonly printed = new PrintedText();

  private readonly source: ByteSource;
  private readonly frames: FrameReader;
  private readonly block = new RunBlock();

  /**
   * @param file its name, or its bytes from elsewhere
   * @throws UserError if the file cannot be read, is no trace, or is of another version.
   */
  constructor(file: string | ByteSource) {
    this.source = typeof file === "string" ? openSource(file) : file;
    this.path = this.source.name;
    this.frames = new FrameReader(this.source, PREAMBLE_BYTES);
    try {
      this.fileBytes = this.source.length;
      this.header = this.readHeader(this.checkPreamble());
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @returns the next block, valid until the next call; undefined at the end or at damage. */
  next(): RunBlock | undefined {
    if (this.damage !== undefined || this.end !== undefined) return undefined;
    const frame = this.passText();
    if (frame === undefined) return undefined;
    const { offset } = frame;
    if (frame.type === FrameType.end) {
      this.readEnd(offset, frame.payload);
      return undefined;
    }
    if (frame.type !== FrameType.runs) return this.fail(offset, "the block is of no known type", 1);
    const wrong = decodeRunsPayload(
      frame.payload,
      this.block,
      this.header?.addresses === "machine",
    );
    if (wrong !== undefined) return this.fail(offset, wrong, 1);
    if (totalAccesses(this.kinds) + this.block.accesses > Number.MAX_SAFE_INTEGER) {
      return this.fail(offset, "more accesses than can be counted", 1);
    }
    this.blockOffset = offset;
    this.blockChecksum = frame.checksum;
    this.blockNumber = this.frames.sequence - 1;
    this.blocks++;
    this.runs += this.block.count;
    this.digest = extendDigest(this.digest, frame.checksum);
    const { kinds, lengths, count } = this.block;
    for (let i = 0; i < count; i++)
      this.kinds[byteAt(kinds, i)] = itemAt(this.kinds, byteAt(kinds, i)) + wordAt(lengths, i);
    return this.block;
  }

  /** The next frame that is no text. Where a trace tells nothing of its console, text is a frame of no known type. */
  private passText(): Frame | undefined {
    for (;;) {
      const frame = this.readFrame();
      if (frame?.type !== FrameType.text || this.header?.hasConsole !== true) return frame;
      const wrong = this.printed.read(frame.payload, totalAccesses(this.kinds));
      if (wrong !== undefined) return this.fail(frame.offset, wrong, 1);
    }
  }

  /** Goes to a block of runs: its first byte, and its number, which is 1 for the first after the header. */
  seek(offset: number, number: number): void {
    this.frames.offset = offset;
    this.frames.sequence = number;
    this.end = undefined;
  }

  close(): void {
    this.source.close();
  }

  /** @returns the version */
  private checkPreamble(): number {
    const preamble = this.source.read(0, PREAMBLE_BYTES);
    if (preamble.length < PREAMBLE_BYTES || !preamble.subarray(0, MAGIC.length).equals(MAGIC)) {
      throw new UserError(
        `${this.path}: not a Trackvisor trace; if it is the log of another tool: trackvisor trace import ${this.path}`,
      );
    }
    const version = preamble.readUInt32LE(MAGIC.length);
    if (version < VERSION || version > VERSION_WITH_CONSOLE) {
      throw new UserError(
        `${this.path}: trace format version ${version}, but this program reads versions ${VERSION} to ${VERSION_WITH_CONSOLE}`,
      );
    }
    return version;
  }

  private readHeader(version: number): TraceHeader | undefined {
    const frame = this.readFrame();
    if (frame === undefined) return undefined;
    if (frame.type !== FrameType.header) return this.fail(frame.offset, "the header is missing", 1);
    const header = decodeHeader(frame.payload, version);
    return typeof header === "string" ? this.fail(frame.offset, header, 1) : header;
  }

  private readEnd(start: number, payload: Buffer): void {
    const totals = decodeTotals(payload);
    const agrees =
      totals !== undefined &&
      totals.runs === this.runs &&
      totals.kinds.every((count, kind) => count === this.kinds[kind]) &&
      totals.digest === this.digest;
    if (!agrees) {
      this.fail(start, "the end marker does not agree with the blocks", 1);
    } else if (!this.frames.atEnd) {
      this.fail(this.frames.offset, "something follows the end marker", 0);
    } else {
      this.end = totals;
      this.endOffset = start;
    }
  }

  private readFrame(): Frame | undefined {
    const { offset, atEnd } = this.frames;
    if (atEnd) return this.fail(offset, "the end marker is missing", 0);
    const frame = this.frames.next();
    return typeof frame === "string" ? this.fail(offset, frame, 0) : frame;
  }

  /** @param back frames read since the one that is damaged began */
  private fail(offset: number, reason: string, back: number): undefined {
    this.damage = { block: this.frames.sequence - back, offset, reason };
    return undefined;
  }
}

/** Whether a trace's guest has no paging of its own in the emulator. What cannot be read is none. */
export function isGuestPhysical(path: string): boolean {
  const addresses = addressesOf(path);
  return addresses !== undefined && addresses !== "linear";
}

/** What the addresses of a trace are; undefined if it cannot be read, or is none. */
export function addressesOf(path: string): AddressKind | undefined {
  try {
    const reader = new TraceReader(path);
    reader.close();
    return reader.header?.addresses;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function decodeRunsPayload(
  payload: Buffer,
  block: RunBlock,
  hasEvents: boolean,
): string | undefined {
  const prefix = RUNS_PREFIX_BYTES + (hasEvents ? EVENTS_PREFIX_BYTES : 0);
  if (payload.length < prefix) return "the block is too short";
  const events = hasEvents ? payload.readUInt32LE(RUNS_PREFIX_BYTES) : 0;
  const eventsSize = hasEvents ? payload.readUInt32LE(RUNS_PREFIX_BYTES + 4) : 0;
  if (events > EVENTS_MAX || eventsSize > events * EVENT_BYTES_MAX) {
    return "the number of events is impossible";
  }
  const count = payload.readUInt32LE(0);
  const size = payload.readUInt32LE(4);
  if (count + events === 0 || count > RUNS_MAX) return "the number of runs is impossible";
  if (size > count * RUN_BYTES_MAX) return "the size of the runs is impossible";
  let bytes: Buffer;
  try {
    // One byte of room more, so that longer data is seen and not cut.
    bytes = inflateRawSync(payload.subarray(prefix), { maxOutputLength: size + eventsSize + 1 });
  } catch {
    return "the block cannot be inflated";
  }
  if (bytes.length !== size + eventsSize) return "the size of the runs is wrong";
  const wrong =
    decodeRuns(bytes.subarray(0, size), count, block) ??
    decodeEvents(bytes.subarray(size), events, count, block.events);
  if (wrong !== undefined) return wrong;
  if (BigInt(block.accesses) !== payload.readBigUInt64LE(8)) return "the access count is wrong";
  return undefined;
}
