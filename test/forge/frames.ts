/** The frames of a recorded file, taken apart and put together again with right checksums. */
import { sourceOf } from "../../src/io/byteSource.ts";
import { encodeFrame } from "../../workloads/trace/format.ts";
import { FrameReader } from "../../workloads/trace/frameReader.ts";

export interface PlainFrame {
  readonly type: number;
  readonly payload: Buffer;
}

/** All frames behind a file's preamble. Throws if the file is damaged. */
export function framesOf(bytes: Buffer, preambleBytes: number): readonly PlainFrame[] {
  const reader = new FrameReader(sourceOf("forged", bytes), preambleBytes);
  const frames: PlainFrame[] = [];
  while (!reader.atEnd) {
    const frame = reader.next();
    if (typeof frame === "string") throw new Error(frame);
    frames.push({ type: frame.type, payload: frame.payload });
  }
  return frames;
}

/** One frame after the other, each with its number and checksum. */
export function framed(preamble: Buffer, frames: readonly PlainFrame[]): Buffer {
  const pieces = frames.flatMap(({ type, payload }, i) => [encodeFrame(type, i, payload), payload]);
  return Buffer.concat([preamble, ...pieces]);
}
