/**
 * Reads trace files block by block. A file may be cut off, damaged or made to harm: every length is
 * bounded before memory is taken for it, and what follows the first damage is not used.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import { UserError } from "../../src/errors.ts";
import { systemReason } from "../../src/io/systemError.ts";
import {
  type Damage,
  decodeHeader,
  decodeTotals,
  extendDigest,
  FRAME_BYTES,
  FrameType,
  frameChecksum,
  type KindCounts,
  MAGIC,
  PAYLOAD_MAX,
  PREAMBLE_BYTES,
  RUN_BYTES_MAX,
  RUNS_MAX,
  RUNS_PREFIX_BYTES,
  type TraceHeader,
  type TraceTotals,
  totalAccesses,
  VERSION,
} from "./format.ts";
import { decodeRuns, RunBlock } from "./runs.ts";

type Frame = { readonly type: number; readonly checksum: number; readonly payload: Buffer };

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
  /** Of the block that next() returned last: first byte, and checksum. */
  blockOffset = 0;
  blockChecksum = 0;
  /** First byte of the end marker, once next() has met it. */
  endOffset = 0;
  /** Blocks, runs, accesses and digest of what next() has returned so far. */
  blocks = 0;
  runs = 0;
  readonly kinds: KindCounts = [0, 0, 0, 0];
  digest = 0;

  private readonly descriptor: number;
  private readonly block = new RunBlock();
  private offset = PREAMBLE_BYTES;
  private sequence = 0;

  /** @throws UserError if the file cannot be read, is no trace, or is of another version. */
  constructor(path: string) {
    this.path = path;
    this.descriptor = openPlainFile(path);
    try {
      this.fileBytes = fstatSync(this.descriptor).size;
      this.checkPreamble();
      this.header = this.readHeader();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @returns the next block, valid until the next call; undefined at the end or at damage. */
  next(): RunBlock | undefined {
    if (this.damage !== undefined || this.end !== undefined) return undefined;
    const start = this.offset;
    const frame = this.readFrame();
    if (frame === undefined) return undefined;
    if (frame.type === FrameType.end) {
      this.readEnd(start, frame.payload);
      return undefined;
    }
    if (frame.type !== FrameType.runs) return this.fail(start, "the block is of no known type");
    const wrong = decodeRunsPayload(frame.payload, this.block);
    if (wrong !== undefined) return this.fail(start, wrong);
    if (totalAccesses(this.kinds) + this.block.accesses > Number.MAX_SAFE_INTEGER) {
      return this.fail(start, "more accesses than can be counted");
    }
    this.blockOffset = start;
    this.blockChecksum = frame.checksum;
    this.sequence++;
    this.blocks++;
    this.runs += this.block.count;
    this.digest = extendDigest(this.digest, frame.checksum);
    const { kinds, lengths, count } = this.block;
    for (let i = 0; i < count; i++) this.kinds[kinds[i]!] = this.kinds[kinds[i]!]! + lengths[i]!;
    return this.block;
  }

  /** Goes to a block: its first byte, and its number, which is 1 for the first after the header. */
  seek(offset: number, number: number): void {
    this.offset = offset;
    this.sequence = number;
    this.end = undefined;
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private checkPreamble(): void {
    const preamble = this.read(0, PREAMBLE_BYTES);
    if (preamble === undefined || !preamble.subarray(0, MAGIC.length).equals(MAGIC)) {
      throw new UserError(
        `${this.path}: not a Trackvisor trace; if it is a log of valgrind's lackey: trackvisor trace import ${this.path}`,
      );
    }
    const version = preamble.readUInt32LE(MAGIC.length);
    if (version !== VERSION) {
      throw new UserError(
        `${this.path}: trace format version ${version}, but this program reads version ${VERSION}`,
      );
    }
  }

  private readHeader(): TraceHeader | undefined {
    const start = this.offset;
    const frame = this.readFrame();
    if (frame === undefined) return undefined;
    if (frame.type !== FrameType.header) return this.fail(start, "the header is missing");
    const header = decodeHeader(frame.payload);
    if (typeof header === "string") return this.fail(start, header);
    this.sequence++;
    return header;
  }

  private readEnd(start: number, payload: Buffer): void {
    const totals = decodeTotals(payload);
    const agrees =
      totals !== undefined &&
      totals.runs === this.runs &&
      totals.kinds.every((count, kind) => count === this.kinds[kind]) &&
      totals.digest === this.digest;
    if (!agrees) {
      this.fail(start, "the end marker does not agree with the blocks");
    } else if (this.offset !== this.fileBytes) {
      this.sequence++;
      this.fail(this.offset, "something follows the end marker");
    } else {
      this.end = totals;
      this.endOffset = start;
    }
  }

  private readFrame(): Frame | undefined {
    const start = this.offset;
    if (start === this.fileBytes) return this.fail(start, "the end marker is missing");
    const frame = this.read(start, FRAME_BYTES);
    if (frame === undefined) return this.fail(start, "the file ends within a block");
    if (frame.readUInt32LE(4) !== this.sequence) return this.fail(start, "not the next block");
    const length = frame.readUInt32LE(8);
    if (length > PAYLOAD_MAX) return this.fail(start, "the block's length is impossible");
    const payload = this.read(start + FRAME_BYTES, length);
    if (payload === undefined) return this.fail(start, "the file ends within a block");
    const checksum = frame.readUInt32LE(12);
    if (frameChecksum(frame, payload) !== checksum) {
      return this.fail(start, "the checksum is wrong");
    }
    this.offset = start + FRAME_BYTES + length;
    return { type: frame.readUInt32LE(0), checksum, payload };
  }

  private fail(offset: number, reason: string): undefined {
    this.damage = { block: this.sequence, offset, reason };
    return undefined;
  }

  /** @returns exactly so many bytes, or undefined if the file has fewer. */
  private read(offset: number, length: number): Buffer | undefined {
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const got = attempt(this.path, () =>
        readSync(this.descriptor, bytes, done, length - done, offset + done),
      );
      if (got === 0) return undefined;
      done += got;
    }
    return bytes;
  }
}

function decodeRunsPayload(payload: Buffer, block: RunBlock): string | undefined {
  if (payload.length < RUNS_PREFIX_BYTES) return "the block is too short";
  const count = payload.readUInt32LE(0);
  const size = payload.readUInt32LE(4);
  if (count === 0 || count > RUNS_MAX) return "the number of runs is impossible";
  if (size > count * RUN_BYTES_MAX) return "the size of the runs is impossible";
  let bytes: Buffer;
  try {
    // One byte of room more, so that longer data is seen and not cut.
    bytes = inflateRawSync(payload.subarray(RUNS_PREFIX_BYTES), { maxOutputLength: size + 1 });
  } catch {
    return "the block cannot be inflated";
  }
  if (bytes.length !== size) return "the size of the runs is wrong";
  const wrong = decodeRuns(bytes, count, block);
  if (wrong !== undefined) return wrong;
  if (BigInt(block.accesses) !== payload.readBigUInt64LE(8)) return "the access count is wrong";
  return undefined;
}

function openPlainFile(path: string): number {
  return attempt(path, () => {
    // Opening a pipe would wait for its writer.
    if (!statSync(path).isFile()) throw new UserError(`${path}: is not a plain file`);
    return openSync(path, "r");
  });
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path}: cannot be read: ${systemReason(error)}`);
  }
}
