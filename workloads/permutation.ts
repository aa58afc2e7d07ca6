/** A fixed shuffle of the numbers 0 to n - 1 that takes no memory: it is computed, not stored. */
import { Random } from "./random.ts";

/** The same seed and size give the same permutation everywhere. It has no state that changes. */
export class Permutation {
  private readonly size: number;
  private readonly mask: number;
  private readonly shift: number;
  private readonly offset: number;
  private readonly factor1: number;
  private readonly factor2: number;

  /** @param size how many numbers: 1 to 2^30 */
  constructor(size: number, seed: number) {
    const random = new Random(seed);
    let bits = 1;
    while (2 ** bits < size) bits++;
    this.size = size;
    this.mask = 2 ** bits - 1;
    this.shift = (bits + 1) >>> 1;
    this.offset = random.next() & this.mask;
    this.factor1 = (random.next() | 1) & 0x7fffffff;
    this.factor2 = (random.next() | 1) & 0x7fffffff;
  }

  /** The place of `index` (0 to size - 1). */
  at(index: number): number {
    const { mask, shift } = this;
    let x = index;
    // Each step can be undone on a power of two; results beyond the size are mapped again, which
    // must come back within it because a permutation consists of cycles.
    do {
      x = (x + this.offset) & mask;
      x = Math.imul(x ^ (x >>> shift), this.factor1) & mask;
      x = Math.imul(x ^ (x >>> shift), this.factor2) & mask;
      x ^= x >>> shift;
    } while (x >= this.size);
    return x;
  }
}
