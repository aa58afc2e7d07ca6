/** States as bytes that can be stored: the length of a text in JSON (4 bytes, little-endian), that text, and more bytes. */
import type { z } from "zod";

const LENGTH_BYTES = 4;
const TEXT_MAX = 1 << 20;

export function encodeState(about: unknown, bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(JSON.stringify(about));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(text.length, 0);
  return new Uint8Array(Buffer.concat([length, text, bytes]));
}

/** @returns undefined if the bytes are no such state */
export function decodeState<About>(
  stored: Uint8Array,
  schema: z.ZodType<About>,
): { readonly about: About; readonly bytes: Uint8Array } | undefined {
  const buffer = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  if (buffer.length < LENGTH_BYTES) return undefined;
  const end = LENGTH_BYTES + buffer.readUInt32LE(0);
  if (end > buffer.length || end > TEXT_MAX) return undefined;
  const about = schema.safeParse(parsed(buffer.toString("utf8", LENGTH_BYTES, end))).data;
  return about === undefined ? undefined : { about, bytes: new Uint8Array(buffer.subarray(end)) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
