/**
 * Reads the frames that all recorded files consist of (FRAME_BYTES in format.ts): each with its type,
 * its number, the length of its payload and a checksum. A file may be cut off, damaged or made to harm:
 * every length is bounded before memory is taken for it.
 */
import type { ByteSource } from "../../src/io/byteSource.ts";
import { FRAME_BYTES, frameChecksum, PAYLOAD_MAX } from "./format.ts";

export interface Frame {
  readonly type: number;
  readonly checksum: number;
  readonly payload: Buffer;
  /** Its first byte in the file. */
  readonly offset: number;
}

export class FrameReader {
  readonly source: ByteSource;
  /** The next frame: its first byte, and its number. */
  offset: number;
  sequence = 0;

  /** @param offset the first frame's first byte */
  constructor(source: ByteSource, offset: number) {
    this.source = source;
    this.offset = offset;
  }

  get atEnd(): boolean {
    return this.offset >= this.source.length;
  }

  /** The next frame, or why it is none. After damage, the position is where it was. */
  next(): Frame | string {
    const { source, offset } = this;
    const head = source.read(offset, FRAME_BYTES);
    if (head.length < FRAME_BYTES) return "the file ends within a block";
    if (head.readUInt32LE(4) !== this.sequence) return "not the next block";
    const length = head.readUInt32LE(8);
    if (length > PAYLOAD_MAX) return "the block's length is impossible";
    const payload = source.read(offset + FRAME_BYTES, length);
    if (payload.length < length) return "the file ends within a block";
    const checksum = head.readUInt32LE(12);
    if (frameChecksum(head, payload) !== checksum) return "the checksum is wrong";
    this.offset = offset + FRAME_BYTES + length;
    this.sequence++;
    return { type: head.readUInt32LE(0), checksum, payload, offset };
  }
}
