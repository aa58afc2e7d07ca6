/** What a program that was traced has printed, and when: between which two of its accesses. */
import { itemAt } from "../../src/lookup.ts";
import { PAYLOAD_MAX } from "./format.ts";

/** In front of the bytes: the accesses of the trace before them. */
const POSITION_BYTES = 8;
/** Of one block. */
export const TEXT_BYTES_MAX = PAYLOAD_MAX - POSITION_BYTES;
/** Of a whole trace: what is played keeps all of it. */
export const PRINTED_BYTES_MAX = 64 << 20;

/** The payload of a block of text. */
export function encodeText(accesses: number, text: Uint8Array): Buffer {
  const position = Buffer.alloc(POSITION_BYTES);
  position.writeBigUInt64LE(BigInt(accesses), 0);
  return Buffer.concat([position, text]);
}

/** All that was printed, in order. */
export class PrintedText {
  readonly #texts: Uint8Array[] = [];
  /** By piece: the accesses before it, and the bytes up to its end. */
  readonly #positions: number[] = [];
  readonly #ends: number[] = [];
  #all: Uint8Array | undefined;

  /** Bytes of all. */
  get length(): number {
    return this.#ends.at(-1) ?? 0;
  }

  /** A block of text follows. @param made accesses that were read so far; @returns why it is none; undefined if all is well */
  read(payload: Uint8Array, made: number): string | undefined {
    if (payload.length <= POSITION_BYTES) return "a text is empty";
    const buffer = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const position = buffer.readBigUInt64LE(0);
    const least = this.#positions.at(-1) ?? 0;
    if (position > BigInt(made) || position < BigInt(least)) return "a text is out of place";
    const bytes = payload.slice(POSITION_BYTES);
    if (this.length + bytes.length > PRINTED_BYTES_MAX) return "more text than is read";
    this.#texts.push(bytes);
    this.#positions.push(Number(position));
    this.#ends.push(this.length + bytes.length);
    return undefined;
  }

  /** What was printed before the access after so many; of that at most the last so many bytes. */
  upTo(accesses: number, most = Infinity): Uint8Array {
    this.#all ??= Buffer.concat(this.#texts);
    const pieces = this.#before(accesses);
    const end = pieces === 0 ? 0 : itemAt(this.#ends, pieces - 1);
    return this.#all.slice(Math.max(0, end - most), end);
  }

  /** Pieces at or before so many accesses. */
  #before(accesses: number): number {
    let [low, high] = [0, this.#positions.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (itemAt(this.#positions, middle) <= accesses) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
