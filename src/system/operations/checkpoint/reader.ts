/**
 * Reads checkpoint files block by block. A file may be cut off, damaged or made to harm: every length
 * is bounded before memory is taken for it, and what follows the first damage is not used.
 */

import { extendDigest } from "../../../../workloads/trace/format.ts";
import { type Frame, FrameReader } from "../../../../workloads/trace/frameReader.ts";
import { UserError } from "../../../errors.ts";
import type { ByteSource } from "../../../io/byteSource.ts";
import {
  BlockType,
  CHECKPOINT_MAGIC,
  CHECKPOINT_VERSION,
  type CheckpointHeader,
  type CommitRecord,
  decodeCommit,
  decodeHeader,
  PREAMBLE_BYTES,
  PREFIX_BYTES,
  STATE_PREFIX_BYTES,
  wordsOfTable,
} from "./format.ts";
import { decodeGuest, type StoredGuests } from "./machineBlocks.ts";
import { decodePages } from "./pageBlocks.ts";
import type { VmImage } from "./vmImage.ts";

/** Where a file stops making sense. Everything before was used. */
export interface CheckpointDamage {
  /** The block that cannot be read; 0 is the header. */
  readonly block: number;
  /** Its first byte in the file. */
  readonly offset: number;
  /** The checkpoint that is incomplete because of it; null if that is not known. */
  readonly checkpoint: number | null;
  readonly reason: string;
}

/** A complete checkpoint in a file. */
export interface CommittedCheckpoint extends CommitRecord {
  /** First byte after its commit record. */
  readonly end: number;
  readonly stateBytes: number;
}

/** What is done with a checkpoint's blocks, as they are read: it is not known yet whether it is complete. */
export interface BlockVisitor {
  readonly images: readonly VmImage[] | null;
  readonly guests: StoredGuests | null;
  state(piece: Buffer): void;
}

const CHECK_ONLY: BlockVisitor = { images: null, guests: null, state: () => {} };

export class CheckpointReader {
  readonly header: CheckpointHeader | undefined;
  damage: CheckpointDamage | undefined;
  readonly #frames: FrameReader;
  /** Blocks that made sense so far. */
  #sequence = 0;
  #last: CommittedCheckpoint | undefined;

  /** @throws UserError if it is no checkpoint file, or one of another version */
  constructor(source: ByteSource) {
    checkPreamble(source);
    this.#frames = new FrameReader(source, PREAMBLE_BYTES);
    const frame = this.#readFrame(null);
    if (frame === undefined) return;
    this.header = frame.type === BlockType.header ? decodeHeader(frame.payload) : undefined;
    if (this.header === undefined) this.#fail(PREAMBLE_BYTES, null, "the header makes no sense");
    else this.#sequence++;
  }

  /** The next complete checkpoint; undefined at the end or at damage. */
  next(visitor: BlockVisitor = CHECK_ONLY): CommittedCheckpoint | undefined {
    if (this.header === undefined || this.damage !== undefined) return undefined;
    const { vms } = this.header;
    const tableWords = wordsOfTable(this.header);
    let [blocks, digest, pages, stateBytes] = [0, 0, 0, 0];
    let number: number | null = null;
    for (;;) {
      const start = this.#frames.offset;
      if (this.#frames.atEnd && blocks === 0) return undefined;
      const frame = this.#readFrame(number);
      if (frame === undefined) return undefined;
      const { type, payload, checksum } = frame;
      const least = type === BlockType.state ? STATE_PREFIX_BYTES : PREFIX_BYTES;
      if (payload.length < least) return this.#fail(start, number, "the block is too short");
      number ??= payload.readUInt32LE(0);
      if (payload.readUInt32LE(0) !== number) {
        return this.#fail(start, number, "the block belongs to another checkpoint");
      }
      if (type === BlockType.commit) {
        const record = decodeCommit(payload);
        const agrees =
          record?.blocks === blocks && record.digest === digest && record.pages === pages;
        if (!agrees || !this.#follows(record)) {
          return this.#fail(start, number, "the commit record does not agree with the blocks");
        }
        this.#sequence++;
        this.#last = { ...record, end: this.#frames.offset, stateBytes };
        return this.#last;
      }
      if (type === BlockType.state) {
        visitor.state(payload.subarray(STATE_PREFIX_BYTES));
        stateBytes += payload.length - STATE_PREFIX_BYTES;
      } else if (type === BlockType.pages || type === BlockType.tables) {
        const found = decodePages(type, payload, vms, tableWords, visitor.images);
        if (typeof found === "string") return this.#fail(start, number, found);
        pages += found;
      } else if (type === BlockType.bytes || type === BlockType.machine) {
        const wrong = decodeGuest(type, payload, vms, visitor.guests);
        if (wrong !== undefined) return this.#fail(start, number, wrong);
      } else {
        return this.#fail(start, number, "the block is of no known type");
      }
      digest = extendDigest(digest, checksum);
      blocks++;
      this.#sequence++;
    }
  }

  #follows(record: CommitRecord): boolean {
    return this.#last === undefined ? record.full : record.number > this.#last.number;
  }

  #readFrame(checkpoint: number | null): Frame | undefined {
    const { atEnd, offset } = this.#frames;
    if (atEnd && this.#sequence > 0) {
      return this.#fail(offset, checkpoint, "the commit record is missing");
    }
    const frame = this.#frames.next();
    return typeof frame === "string" ? this.#fail(offset, checkpoint, frame) : frame;
  }

  #fail(offset: number, checkpoint: number | null, reason: string): undefined {
    this.damage = { block: this.#sequence, offset, checkpoint, reason };
    return undefined;
  }
}

export interface CheckpointScan {
  readonly header: CheckpointHeader | undefined;
  readonly fileBytes: number;
  readonly checkpoints: readonly CommittedCheckpoint[];
  readonly damage: CheckpointDamage | undefined;
}

/** Reads and checks a whole file. */
export function scanCheckpoints(source: ByteSource): CheckpointScan {
  const reader = new CheckpointReader(source);
  const checkpoints: CommittedCheckpoint[] = [];
  for (let one = reader.next(); one !== undefined; one = reader.next()) checkpoints.push(one);
  const { header, damage } = reader;
  return { header, fileBytes: source.length, checkpoints, damage };
}

/**
 * Reads the contents of a complete checkpoint, which a scan has found.
 * @param images of all VMs, with nothing in them; and what those have whose machines run beside
 * @returns its state; empty if it has none
 */
export function readCheckpoint(
  source: ByteSource,
  wanted: CommittedCheckpoint,
  images: readonly VmImage[],
  guests: StoredGuests = [],
): Buffer {
  const reader = new CheckpointReader(source);
  let pieces: Buffer[] = [];
  const visitor = { images, guests, state: (piece: Buffer) => pieces.push(Buffer.from(piece)) };
  for (;;) {
    pieces = [];
    const found = reader.next(visitor);
    if (found === undefined) throw new UserError(`${source.name}: has changed while it was read`);
    if (found.end === wanted.end) return Buffer.concat(pieces);
  }
}

/** One sentence about a damaged file; undefined if it is sound. */
export function damageNote(name: string, scan: CheckpointScan): string | undefined {
  const { damage, checkpoints } = scan;
  if (damage === undefined) return undefined;
  const { block, offset, checkpoint, reason } = damage;
  const of = checkpoint === null ? "" : ` of checkpoint ${checkpoint}`;
  const last = checkpoints.at(-1);
  const used =
    last === undefined
      ? "no checkpoint before it is complete"
      : `checkpoint ${last.number} before it is complete`;
  return `${name}: damaged at block ${block}${of}, byte ${offset}: ${reason}; ${used}`;
}

function checkPreamble(source: ByteSource): void {
  const preamble = source.read(0, PREAMBLE_BYTES);
  const magic = preamble.subarray(0, CHECKPOINT_MAGIC.length);
  if (preamble.length < PREAMBLE_BYTES || !magic.equals(CHECKPOINT_MAGIC)) {
    throw new UserError(`${source.name}: not a Trackvisor checkpoint file`);
  }
  const version = preamble.readUInt32LE(CHECKPOINT_MAGIC.length);
  if (version !== CHECKPOINT_VERSION) {
    throw new UserError(
      `${source.name}: checkpoint format version ${version}, but this program reads version ${CHECKPOINT_VERSION}`,
    );
  }
}
