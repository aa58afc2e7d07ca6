/** Bytes as a list of words that can be saved: a file in memory, a kept state. */

import type { Part, WordArray } from "../../../hardware/part.ts";
import { numberAt } from "../../../lookup.ts";

export class ByteList implements Part {
  readonly name: string;
  #words = new Int32Array(0);
  /** [0]: how many bytes there are. */
  readonly state = new Float64Array(1);

  constructor(name: string) {
    this.name = name;
  }

  get length(): number {
    return numberAt(this.state, 0);
  }

  /** The bytes, valid until the next change. */
  get bytes(): Buffer {
    return Buffer.from(this.#words.buffer, 0, this.length);
  }

  /** Keeps the first `length` bytes and puts these after them. */
  replaceFrom(length: number, pieces: readonly Uint8Array[]): void {
    const total = pieces.reduce((sum, piece) => sum + piece.length, length);
    this.#reserve(total);
    let at = length;
    for (const piece of pieces) {
      new Uint8Array(this.#words.buffer).set(piece, at);
      at += piece.length;
    }
    this.state[0] = total;
    // What is saved is whole words: the bytes after the last are always 0.
    new Uint8Array(this.#words.buffer).fill(0, total);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { state: this.state, words: this.#words.subarray(0, Math.ceil(this.length / 4)) };
  }

  resize(lengths: Readonly<Record<string, number>>): void {
    const words = lengths["words"] ?? 0;
    this.#reserve(words * 4);
    this.#words.fill(0, words);
    this.state[0] = words * 4;
  }

  #reserve(bytes: number): void {
    const words = Math.ceil(bytes / 4);
    if (words <= this.#words.length) return;
    const grown = new Int32Array(Math.max(words, this.#words.length * 2));
    grown.set(this.#words);
    this.#words = grown;
  }
}
