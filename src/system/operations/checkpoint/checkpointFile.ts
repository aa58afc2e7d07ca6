/**
 * Writes checkpoints into a file: blocks, then a commit record, then everything is made durable. When
 * the file has grown beyond its limit the next checkpoint goes into a new one, with all pages.
 */

import { encodeFrame, extendDigest, PAYLOAD_MAX } from "../../../../workloads/trace/format.ts";
import type { Part, WordArray } from "../../../hardware/part.ts";
import { itemAt, numberAt } from "../../../lookup.ts";
import {
  BlockType,
  type CheckpointHeader,
  encodeCommit,
  encodePreamble,
  STATE_PREFIX_BYTES,
} from "./format.ts";
import { encodeGuest, type GuestContents } from "./machineBlocks.ts";
import { allPages, encodePages } from "./pageBlocks.ts";
import type { CheckpointSink } from "./sink.ts";
import type { VmImage } from "./vmImage.ts";

const LENGTH = 0;
const SEQUENCE = 1;
const LENGTH_OF_FIRST = 2;
const REWRITES = 3;

export interface CheckpointContents {
  readonly number: number;
  readonly time: number;
  /** Whether `pages` are all. */
  readonly full: boolean;
  readonly images: readonly VmImage[];
  /** What it holds, by VM, ascending. */
  readonly pages: readonly (readonly number[])[];
  /** By VM; null: its pages have versions alone. */
  readonly guests: readonly (GuestContents | null)[];
  /** Everything else; may be empty. */
  readonly state: Buffer;
}

export class CheckpointFile implements Part {
  readonly name = "checkpoint/file";
  readonly #sink: CheckpointSink;
  readonly #header: CheckpointHeader;
  readonly #limit: number;
  readonly #state = new Float64Array(4);

  /** @param limit bytes beyond which a new file is begun, if that is worth it */
  constructor(sink: CheckpointSink, header: CheckpointHeader, limit: number) {
    this.#sink = sink;
    this.#header = header;
    this.#limit = limit;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { state: this.#state };
  }

  /** Bytes up to the last commit. */
  get length(): number {
    return numberAt(this.#state, LENGTH);
  }

  /** How often a new file replaced the one before. */
  get rewrites(): number {
    return numberAt(this.#state, REWRITES);
  }

  /** @throws SinkError; the file is then as it was, or has something without a commit record at its end */
  write(contents: CheckpointContents): void {
    const { number, time, images, state } = contents;
    const fresh = this.#beginsAnew();
    const full = fresh || contents.full;
    let length = fresh ? 0 : this.length;
    let sequence = fresh ? 0 : numberAt(this.#state, SEQUENCE);
    let blocks = 0;
    let digest = 0;
    const write = (bytes: Buffer): void => {
      this.#sink.write(bytes);
      length += bytes.length;
    };
    const block = (type: number, payload: Buffer): number => {
      const frame = encodeFrame(type, sequence++, payload);
      write(Buffer.concat([frame, payload]));
      return frame.readUInt32LE(12);
    };
    const counted = (type: number, payload: Buffer): void => {
      digest = extendDigest(digest, block(type, payload));
      blocks++;
    };
    try {
      this.#sink.begin(length);
      if (fresh) {
        write(encodePreamble());
        block(BlockType.header, Buffer.from(JSON.stringify(this.#header)));
      }
      let pages = 0;
      images.forEach((image, vm) => {
        const { layout } = image;
        const those = full ? Array.from(allPages(layout)) : itemAt(contents.pages, vm);
        pages += those.length;
        encodePages(number, vm, image, those, counted);
        const guest = itemAt(contents.guests, vm);
        if (guest === null) return;
        encodeGuest(number, vm, guest, those, counted);
      });
      for (const piece of statePieces(number, state)) counted(BlockType.state, piece);
      block(BlockType.commit, encodeCommit({ number, full, blocks, digest, time, pages }));
      this.#sink.commit();
    } catch (error) {
      this.#sink.abandon();
      throw error;
    }
    if (fresh && this.length > 0) this.#state[REWRITES] = this.rewrites + 1;
    if (fresh) this.#state[LENGTH_OF_FIRST] = length;
    this.#state[LENGTH] = length;
    this.#state[SEQUENCE] = sequence;
  }

  /** A file no longer than twice its first checkpoint is not rewritten: a new one would be as long soon. */
  #beginsAnew(): boolean {
    const worthwhile = 2 * numberAt(this.#state, LENGTH_OF_FIRST);
    return this.length === 0 || this.length > Math.max(this.#limit, worthwhile);
  }
}

function* statePieces(number: number, state: Buffer): Iterable<Buffer> {
  const size = PAYLOAD_MAX - STATE_PREFIX_BYTES;
  for (let at = 0; at < state.length; at += size) {
    const prefix = Buffer.alloc(STATE_PREFIX_BYTES);
    prefix.writeUInt32LE(number, 0);
    yield Buffer.concat([prefix, state.subarray(at, at + size)]);
  }
}
