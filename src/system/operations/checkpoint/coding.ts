/** Numbers of up to 32 bits as one to five bytes, seven bits in each from the lowest, bit 7 if more follow. */

export class Encoder {
  #bytes = Buffer.alloc(4096);
  length = 0;

  number(value: number): void {
    if (this.length + 5 > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)]);
    }
    let rest = value >>> 0;
    while (rest > 127) {
      this.#bytes[this.length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.length++] = rest;
  }

  /** As they are. */
  bytes(bytes: Uint8Array): void {
    while (this.length + bytes.length > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)]);
    }
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** What was encoded, detached; the encoder is empty then. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.length));
    this.length = 0;
    return taken;
  }
}

export class Decoder {
  /** A number was cut off or too large. All that follow are 0. */
  failed = false;
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, from: number) {
    this.#bytes = bytes;
    this.#at = from;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35 && !this.failed; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || (shift === 28 && byte > 15)) break;
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    this.failed = true;
    return 0;
  }

  /** So many bytes as they are, valid as long as what is decoded. */
  bytes(length: number): Uint8Array {
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    if (bytes.length < length) this.failed = true;
    return bytes;
  }
}
