/** What a live guest has printed, and in which blocks. */
import { itemAt } from "../../../src/lookup.ts";
import type { LiveBlock } from "./channel.ts";

const FIRST_BYTES = 1 << 12;

export class ConsoleLog {
  #bytes = new Uint8Array(FIRST_BYTES);
  /** By block: bytes printed up to its end. */
  readonly #ends: number[] = [];

  /** A block that follows those that are known, or is one of them. */
  add(index: number, { text, textBytes }: LiveBlock): void {
    if (index < this.#ends.length) return;
    const from = this.#ends.at(-1) ?? 0;
    while (this.#bytes.length < from + textBytes) this.#grow();
    this.#bytes.set(text.subarray(0, textBytes), from);
    this.#ends.push(from + textBytes);
  }

  /** What was printed up to a block, and in it; of that at most the last so many bytes. */
  upTo(index: number, most = Infinity): Uint8Array {
    const known = Math.min(index, this.#ends.length - 1);
    const end = known < 0 ? 0 : itemAt(this.#ends, known);
    return this.#bytes.slice(Math.max(0, end - most), end);
  }

  /** What was printed from this block on was not. */
  forgetFrom(index: number): void {
    if (index < this.#ends.length) this.#ends.length = index;
  }

  #grow(): void {
    const larger = new Uint8Array(2 * this.#bytes.length);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
