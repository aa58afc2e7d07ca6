/** Memory that arrays are taken from: each has its own, or all of them are parts of one buffer, one after the other. */

const DOUBLE = 8;
const WORD = 4;

export class Place {
  readonly #buffer: ArrayBufferLike | undefined;
  #at: number;

  /** @param buffer of which the arrays are parts; default: each has memory of its own */
  constructor(buffer?: ArrayBufferLike, from = 0) {
    this.#buffer = buffer;
    this.#at = from;
  }

  /** Bytes of the buffer up to the end of the array that was taken last. */
  get end(): number {
    return this.#at;
  }

  doubles(length: number): Float64Array {
    if (this.#buffer === undefined) return new Float64Array(length);
    return new Float64Array(this.#buffer, this.#take(DOUBLE, length), length);
  }

  words(length: number): Int32Array {
    if (this.#buffer === undefined) return new Int32Array(length);
    return new Int32Array(this.#buffer, this.#take(WORD, length), length);
  }

  bytes(length: number): Uint8Array {
    if (this.#buffer === undefined) return new Uint8Array(length);
    return new Uint8Array(this.#buffer, this.#take(1, length), length);
  }

  #take(bytes: number, length: number): number {
    const at = Math.ceil(this.#at / bytes) * bytes;
    this.#at = at + bytes * length;
    return at;
  }
}
