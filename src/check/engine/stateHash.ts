/**
 * Which part of a state says what thread it belongs to: the states of a few actors. Most steps change none
 * of these, so that most successors stay where they are found (Lerda and Sisto, "Distributed-memory model
 * checking with SPIN", 1999). It does not depend on how states are packed. The hash is the XOR of a number
 * for each of these slots and its value (Zobrist), so that of a next state follows from the changes alone.
 */

import { wordAt } from "../../lookup.ts";
import type { Model } from "./model.ts";

/** One actor in three. */
const EVERY = 3;

export class StateHash {
  readonly #slots: Int32Array;
  readonly #isUsed: Uint8Array;

  constructor({ components, slots }: Model) {
    const own = components.map(({ slot }) => slot);
    const some = own.filter((_, i) => i % EVERY === 1);
    this.#slots = Int32Array.from(some.length > 0 ? some : own);
    this.#isUsed = new Uint8Array(slots.length);
    for (const slot of this.#slots) this.#isUsed[slot] = 1;
  }

  of(ids: Int32Array): number {
    const slots = this.#slots;
    let hash = 0;
    for (let i = 0; i < slots.length; i++)
      hash ^= mixed(wordAt(slots, i), wordAt(ids, wordAt(slots, i)));
    return hash;
  }

  /** What a change of a slot does to the hash, by XOR. */
  change(slot: number, before: number, after: number): number {
    return this.#isUsed[slot] === 1 ? mixed(slot, before) ^ mixed(slot, after) : 0;
  }
}

function mixed(slot: number, id: number): number {
  let hash = Math.imul(id + 1, 0x9e3779b1) ^ Math.imul(slot + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return hash ^ (hash >>> 16);
}
