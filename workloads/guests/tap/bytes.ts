/** Reads and writes what WebAssembly modules consist of (core specification 2.0, section 5.2: integers in LEB128). */

import { UserError } from "../../../src/errors.ts";
import { byteAt } from "../../../src/lookup.ts";

/** What is wrong with a module, and at which of its bytes. */
export function malformed(offset: number, what: string): UserError {
  return new UserError(`byte 0x${offset.toString(16)}: ${what}`);
}

export function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, "0")}`;
}

/** Reads a module's bytes in order, from `at` to `end`. */
export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get atEnd(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.at >= this.end) throw malformed(this.at, "the module ends too early");
    return byteAt(this.bytes, this.at++);
  }

  /** Of at most 32 bits. */
  unsigned(): number {
    const start = this.at;
    let value = 0;
    let unit = 1;
    for (let i = 0; i < 5; i++) {
      const byte = this.byte();
      value += (byte & 127) * unit;
      if (byte < 128) {
        if (value > 0xffffffff) break;
        return value;
      }
      unit *= 128;
    }
    throw malformed(start, "a number of more than 32 bits");
  }

  /** Signed, of at most 33 bits, as types of blocks are. */
  signed33(): number {
    const start = this.at;
    let value = 0;
    let unit = 1;
    for (let i = 0; i < 5; i++) {
      const byte = this.byte();
      value += (byte & 127) * unit;
      unit *= 128;
      if (byte < 128) return (byte & 64) === 0 ? value : value - unit;
    }
    throw malformed(start, "a number of more than 33 bits");
  }

  /** Passes a number of any size. */
  skipNumber(): void {
    const start = this.at;
    for (let i = 0; i < 10; i++) if (this.byte() < 128) return;
    throw malformed(start, "a number of more than 64 bits");
  }

  skip(count: number): void {
    if (this.at + count > this.end) throw malformed(this.at, "the module ends too early");
    this.at += count;
  }

  /** A reader of the next bytes; this one goes on after them. */
  part(length: number): ByteReader {
    const start = this.at;
    this.skip(length);
    return new ByteReader(this.bytes, start, this.at);
  }

  name(): string {
    const { bytes, at, end } = this.part(this.unsigned());
    return Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString("utf8");
  }
}

/** Collects bytes; grows as needed. */
export class ByteWriter {
  private bytes: Uint8Array;
  length = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.grow(1);
    this.bytes[this.length++] = value;
  }

  put(bytes: Uint8Array | readonly number[]): void {
    if (this.length + bytes.length > this.bytes.length) this.grow(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Of another's bytes those from `start` to `end`. */
  copy(bytes: Uint8Array, start: number, end: number): void {
    if (this.length + end - start > this.bytes.length) this.grow(end - start);
    // Most pieces are of a few bytes.
    const own = this.bytes;
    let at = this.length;
    for (let i = start; i < end; i++) own[at++] = byteAt(bytes, i);
    this.length = at;
  }

  unsigned(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 128);
    this.byte(rest);
  }

  /** @param value as a signed or unsigned integer of 32 bits */
  signed32(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 127;
      rest >>= 7;
      if ((rest === 0 && low < 64) || (rest === -1 && low >= 64)) {
        this.byte(low);
        return;
      }
      this.byte(low | 128);
    }
  }

  name(text: string): void {
    const bytes = Buffer.from(text, "utf8");
    this.unsigned(bytes.length);
    this.put(bytes);
  }

  /** Its bytes so far; not valid after the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  private grow(least: number): void {
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, this.length + least));
    larger.set(this.view());
    this.bytes = larger;
  }
}
