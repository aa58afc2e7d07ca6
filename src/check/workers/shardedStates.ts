/** The states of all threads as one numbered whole: those of the initial state's owner first. */

import { itemAt } from "../../lookup.ts";
import type { States } from "../engine/explored.ts";
import type { Layout } from "../engine/layout.ts";
import type { StateTable } from "../engine/stateTable.ts";
import { ownerOf } from "./participant.ts";

export class ShardedStates implements States {
  readonly layout: Layout;
  readonly count: number;
  readonly #shards: readonly StateTable[];
  /** By thread: the number of its first state. */
  readonly #first: readonly number[];
  /** Threads in the order of their states. */
  readonly #order: readonly number[];

  /** @param initial hash of the initial state */
  constructor(shards: readonly StateTable[], initial: number, layout: Layout) {
    this.layout = layout;
    this.#shards = shards;
    const owner = ownerOf(initial, shards.length);
    this.#order = [owner, ...[...shards.keys()].filter((thread) => thread !== owner)];
    const first: number[] = [];
    let count = 0;
    for (const thread of this.#order) {
      first[thread] = count;
      count += itemAt(shards, thread).count;
    }
    this.#first = first;
    this.count = count;
  }

  get bytes(): number {
    return this.#shards.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The number of a state as threads name it: see Participant. */
  numberOf(encoded: number): number {
    if (encoded < 0) return encoded;
    const threads = this.#shards.length;
    return itemAt(this.#first, encoded % threads) + Math.floor(encoded / threads);
  }

  read(state: number, packed: Int32Array): void {
    const thread = this.#threadOf(state);
    itemAt(this.#shards, thread).read(state - itemAt(this.#first, thread), packed);
  }

  parentOf(state: number): number {
    const thread = this.#threadOf(state);
    return this.numberOf(
      itemAt(this.#shards, thread).parentOf(state - itemAt(this.#first, thread)),
    );
  }

  find(packed: Int32Array, hash: number): number {
    const thread = ownerOf(hash, this.#shards.length);
    const found = itemAt(this.#shards, thread).find(packed);
    return found < 0 ? found : itemAt(this.#first, thread) + found;
  }

  #threadOf(state: number): number {
    let at = this.#order.length - 1;
    while (state < itemAt(this.#first, itemAt(this.#order, at))) at--;
    return itemAt(this.#order, at);
  }
}
