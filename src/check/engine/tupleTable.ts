/** A hash table from short tuples of numbers to a number: open addressing over one typed array. */

import { wordAt } from "../../lookup.ts";

const EMPTY = -1;

/** Mixes one more number into a hash. */
export function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value ^ (value >>> 16), 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

export class TupleTable {
  readonly #arity: number;
  readonly #stride: number;
  /** Rows: the tuple, then the value; value -1 = empty. */
  #rows: Int32Array;
  #mask: number;
  #count = 0;

  constructor(arity: number) {
    this.#arity = arity;
    this.#stride = arity + 1;
    this.#mask = 63;
    this.#rows = new Int32Array(64 * this.#stride).fill(EMPTY);
  }

  get size(): number {
    return this.#count;
  }

  /** The value of the tuple ids[slots[0]], ids[slots[1]]...; -1 if there is none. */
  find(ids: Int32Array, slots: Int32Array): number {
    const arity = this.#arity;
    const stride = this.#stride;
    const rows = this.#rows;
    let hash = 0;
    for (let i = 0; i < arity; i++) hash = mix(hash, wordAt(ids, wordAt(slots, i)));
    for (let at = hash & this.#mask; ; at = (at + 1) & this.#mask) {
      const row = at * stride;
      const value = wordAt(rows, row + arity);
      if (value === EMPTY) return EMPTY;
      let i = 0;
      while (i < arity && rows[row + i] === ids[wordAt(slots, i)]) i++;
      if (i === arity) return value;
    }
  }

  /** Adds a tuple that is not there yet; `value` is not negative. */
  add(ids: Int32Array, slots: Int32Array, value: number): void {
    if (++this.#count * 2 > this.#mask) this.#grow();
    let hash = 0;
    for (let i = 0; i < this.#arity; i++) hash = mix(hash, wordAt(ids, wordAt(slots, i)));
    let at = hash & this.#mask;
    while (this.#rows[at * this.#stride + this.#arity] !== EMPTY) at = (at + 1) & this.#mask;
    const row = at * this.#stride;
    for (let i = 0; i < this.#arity; i++) this.#rows[row + i] = wordAt(ids, wordAt(slots, i));
    this.#rows[row + this.#arity] = value;
  }

  #grow(): void {
    const before = this.#rows;
    this.#mask = 2 * this.#mask + 1;
    this.#rows = new Int32Array((this.#mask + 1) * this.#stride).fill(EMPTY);
    const stride = this.#stride;
    for (let row = 0; row < before.length; row += stride) {
      if (before[row + this.#arity] === EMPTY) continue;
      let hash = 0;
      for (let i = 0; i < this.#arity; i++) hash = mix(hash, wordAt(before, row + i));
      let at = hash & this.#mask;
      while (this.#rows[at * stride + this.#arity] !== EMPTY) at = (at + 1) & this.#mask;
      this.#rows.set(before.subarray(row, row + stride), at * stride);
    }
  }
}
