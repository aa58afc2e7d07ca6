/**
 * Reads message logs. A log may be cut off or damaged, or made to harm: every length is bounded before
 * memory is taken for it, and what follows the first damage is not used.
 */

import { extendDigest, FRAME_BYTES } from "../../workloads/trace/format.ts";
import { type Frame, FrameReader } from "../../workloads/trace/frameReader.ts";
import { UserError } from "../errors.ts";
import { ANY_SYSTEM } from "../interconnect/fields.ts";
import type { ByteSource } from "../io/byteSource.ts";
import {
  BlockDecoder,
  decodePrefix,
  type LogContents,
  type LogEntry,
  RecordError,
  type RecordPlace,
} from "./decoder.ts";
import {
  BLOCK_PREFIX_BYTES,
  decodeEnd,
  decodeHeader,
  FrameType,
  LOG_MAGIC,
  LOG_VERSION,
  type LogEnd,
  type LogHeader,
  PREAMBLE_BYTES,
} from "./format.ts";

/** Where a log stops making sense. Everything before was used. */
export interface LogDamage {
  /** The block that cannot be read; 0 is the header. */
  readonly block: number;
  /** Its first byte in the file. */
  readonly offset: number;
  readonly reason: string;
}

/** Where a block of entries is, and what was before it. */
export interface BlockPlace {
  readonly offset: number;
  readonly number: number;
  /** Messages before it. */
  readonly position: number;
  readonly time: number;
  /** Of the blocks before it: two logs with the same one have the same blocks before it. */
  readonly digest: number;
}

export class LogReader {
  readonly source: ByteSource;
  readonly header: LogHeader;
  /** Set by next() when it meets damage. */
  damage: LogDamage | undefined;
  /** The end marker, once next() has met it. Without one the log is torn. */
  end: LogEnd | undefined;
  readonly #frames: FrameReader;
  #block: BlockDecoder | undefined;
  #blockStart = PREAMBLE_BYTES;
  #position = 0;
  #digest = 0;
  /** Messages posted before the next block, "begin" at the start; null if that is not known. */
  #posted: number | null = 1;
  readonly #contents: LogContents;

  /** @throws UserError if it is no log, or one of another version, or its header is damaged */
  constructor(source: ByteSource) {
    this.source = source;
    checkPreamble(source);
    this.#frames = new FrameReader(source, PREAMBLE_BYTES);
    this.header = this.#readHeader();
    const { actors, parts } = this.header;
    // 0 is an address, too.
    this.#contents = { census: { ...ANY_SYSTEM, actor: actors.length + 1 }, parts: parts.length };
  }

  /** Messages delivered before the next entry. */
  get position(): number {
    return this.#position;
  }

  /** Of the blocks read so far; of a whole log, once it is read, its identity. */
  get digest(): number {
    return this.#digest;
  }

  /**
   * The next entry; undefined at the end or at damage.
   * @throws UserError if a record is one that no program writes: the checksums are right, so it was made
   */
  next(): LogEntry | undefined {
    while (this.damage === undefined && this.end === undefined) {
      const block = this.#block ?? this.#nextBlock();
      if (block === undefined) return undefined;
      const entry = this.#nextEntry(block);
      if (entry !== undefined) {
        if (entry.kind === "message") this.#position++;
        return entry;
      }
      this.#posted = block.posted;
      this.#block = undefined;
    }
    return undefined;
  }

  /** Goes to a block: the next entry is its first. */
  seek({ offset, number, position, digest }: BlockPlace): void {
    this.#frames.offset = offset;
    this.#frames.sequence = number;
    this.#block = undefined;
    this.#position = position;
    this.#digest = digest;
    this.#posted = null;
    this.end = undefined;
  }

  /** Where the blocks are, up to the end or to damage; reads no more than their beginnings. */
  places(): readonly BlockPlace[] {
    const places: BlockPlace[] = [];
    const { source } = this;
    let offset = PREAMBLE_BYTES;
    for (let number = 0; ; number++) {
      const head = source.read(offset, FRAME_BYTES + BLOCK_PREFIX_BYTES);
      if (head.length < FRAME_BYTES + BLOCK_PREFIX_BYTES) return places;
      if (head.readUInt32LE(4) !== number) return places;
      if (head.readUInt32LE(0) === FrameType.entries) {
        const prefix = decodePrefix(head.subarray(FRAME_BYTES));
        if (prefix === undefined) return places;
        places.push({ offset, number, ...prefix });
      }
      offset += FRAME_BYTES + head.readUInt32LE(8);
    }
  }

  #nextEntry(block: BlockDecoder): LogEntry | undefined {
    try {
      const entry = block.next();
      return entry?.kind === "intervention"
        ? { ...entry, where: this.#where(block.record) }
        : entry;
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      throw new UserError(`${this.#where(error)}: ${error.message}`);
    }
  }

  #where({ number, at }: RecordPlace): string {
    const block = this.#frames.sequence - 1;
    const byte = this.#blockStart + FRAME_BYTES + at;
    return `${this.source.name}: block ${block}, record ${number}, byte ${byte}`;
  }

  #readHeader(): LogHeader {
    const { name } = this.source;
    const frame = this.#frames.next();
    if (typeof frame === "string") throw new UserError(`${name}: damaged at its header: ${frame}`);
    const header = frame.type === FrameType.header ? decodeHeader(frame.payload) : "it is missing";
    if (typeof header === "string") throw new UserError(`${name}: the header: ${header}`);
    return header;
  }

  /** Undefined at the end, and at damage. */
  #nextBlock(): BlockDecoder | undefined {
    const { offset, atEnd } = this.#frames;
    this.#blockStart = offset;
    if (atEnd) return this.#fail(offset, "the end marker is missing", 0);
    const frame = this.#frames.next();
    if (typeof frame === "string") return this.#fail(offset, frame, 0);
    if (frame.type === FrameType.end) return this.#readEnd(frame);
    if (frame.type !== FrameType.entries || frame.payload.length < BLOCK_PREFIX_BYTES) {
      return this.#fail(offset, "the block is of no known type", 1);
    }
    const before = decodePrefix(frame.payload);
    if (before?.position !== this.#position || before?.digest !== this.#digest) {
      return this.#fail(offset, "the block does not follow the one before", 1);
    }
    this.#digest = extendDigest(this.#digest, frame.checksum);
    this.#block = new BlockDecoder(frame.payload, before, this.#contents, this.#posted);
    return this.#block;
  }

  #readEnd({ payload, offset }: Frame): undefined {
    const end = decodeEnd(payload);
    if (end?.messages !== this.#position || end.digest !== this.#digest) {
      this.#fail(offset, "the end marker does not agree with the blocks", 1);
    } else if (!this.#frames.atEnd) {
      this.#fail(this.#frames.offset, "something follows the end marker", 0);
    } else this.end = end;
  }

  /** @param back frames read since the one that is damaged began */
  #fail(offset: number, reason: string, back: number): undefined {
    this.damage = { block: this.#frames.sequence - back, offset, reason };
    return undefined;
  }
}

/** One sentence about a log that is damaged or torn; undefined if it is whole. */
export function damageNote({ source, damage, position }: LogReader): string | undefined {
  if (damage === undefined) return undefined;
  const { block, offset, reason } = damage;
  return `${source.name}: damaged at block ${block}, byte ${offset}: ${reason}; used the ${position} messages before it`;
}

function checkPreamble(source: ByteSource): void {
  const preamble = source.read(0, PREAMBLE_BYTES);
  const magic = preamble.subarray(0, LOG_MAGIC.length);
  if (preamble.length < PREAMBLE_BYTES || !magic.equals(LOG_MAGIC)) {
    throw new UserError(`${source.name}: not a Trackvisor message log`);
  }
  const version = preamble.readUInt32LE(LOG_MAGIC.length);
  if (version !== LOG_VERSION) {
    throw new UserError(
      `${source.name}: log format version ${version}, but this program reads version ${LOG_VERSION}`,
    );
  }
}
