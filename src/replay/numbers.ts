/**
 * Numbers as bytes. A whole number is a varint, seven bits a byte from the lowest, bit 7 if more follow:
 * four times its size, plus two if it is negative, so that small ones are short. Any other number is the
 * byte 1 and its eight bytes as a double.
 */

const DOUBLE = 1;
/** Whole numbers below this are varints; four times as much is still exact. */
export const WHOLE_MAX = 2 ** 50;
const FAST_MAX = 2 ** 28;
const VARINT_UNIT_MAX = 2 ** 49;

export class NumberWriter {
  readonly bytes: Uint8Array;
  length = 0;
  readonly #view: DataView;

  /** @param capacity who writes must see to it that this is enough */
  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  number(value: number): void {
    const small = value | 0;
    if (small === value && small < FAST_MAX && small > -FAST_MAX) {
      const { bytes } = this;
      let rest = small >= 0 ? small << 2 : 2 - (small << 2);
      let at = this.length;
      for (; rest > 127; rest >>>= 7) bytes[at++] = (rest & 127) | 128;
      bytes[at++] = rest;
      this.length = at;
    } else if (Number.isInteger(value) && Math.abs(value) < WHOLE_MAX) {
      let rest = value >= 0 ? value * 4 : 2 - value * 4;
      for (; rest > 127; rest = Math.floor(rest / 128)) {
        this.bytes[this.length++] = (rest % 128) | 128;
      }
      this.bytes[this.length++] = rest;
    } else {
      this.double(value);
    }
  }

  /** A number that is not to be taken as a difference. */
  double(value: number): void {
    this.bytes[this.length++] = DOUBLE;
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  word(value: number): void {
    this.#view.setUint32(this.length, value, true);
    this.length += 4;
  }

  /** Length, then UTF-8. Throws a RangeError if there is no room. */
  text(text: string): void {
    const bytes = Buffer.from(text, "utf8");
    if (this.length + bytes.length + 9 > this.bytes.length) {
      throw new RangeError(`a record of ${bytes.length} bytes is too long for a log`);
    }
    this.number(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }
}

/** Reads what a NumberWriter wrote. Throws a RangeError where the bytes are none. */
export class NumberSource {
  readonly #bytes: Buffer;
  at: number;
  /** Whether the last number was a double. */
  wasDouble = false;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  get ended(): boolean {
    return this.at >= this.#bytes.length;
  }

  number(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.at++];
    if (byte === undefined) throw new RangeError("a number is cut off");
    this.wasDouble = byte === DOUBLE;
    if (this.wasDouble) {
      const value = bytes.readDoubleLE(this.at);
      this.at += 8;
      return value;
    }
    let value = byte & 127;
    for (let unit = 128; byte >= 128; unit *= 128) {
      byte = bytes[this.at++];
      if (byte === undefined || unit > VARINT_UNIT_MAX)
        throw new RangeError("a number does not end");
      value += (byte & 127) * unit;
    }
    return value % 4 === 0 ? value / 4 : (2 - value) / 4;
  }

  word(): number {
    const value = this.#bytes.readUInt32LE(this.at);
    this.at += 4;
    return value;
  }

  /** @param max bytes at most */
  text(max: number): string {
    const length = this.number();
    if (!(Number.isInteger(length) && length >= 0 && length <= max)) {
      throw new RangeError("a text is too long");
    }
    const end = this.at + length;
    if (end > this.#bytes.length) throw new RangeError("a text is cut off");
    const text = this.#bytes.toString("utf8", this.at, end);
    this.at = end;
    return text;
  }
}
