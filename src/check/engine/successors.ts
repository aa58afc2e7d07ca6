/**
 * Successors that wait to be looked up together. Most have been found a moment ago from a state nearby
 * (independent steps commute): a small cache of recent ones tells, without a look at the large table.
 */

import { wordAt } from "../../lookup.ts";
import type { Expander } from "./expander.ts";
import type { Layout } from "./layout.ts";
import { packedHash } from "./stateTable.ts";
import type { Symmetry } from "./symmetry.ts";

/** Successors that are looked up together. */
const BATCH = 1024;
/** What one state may have at most. */
export const MOST_STEPS = 1 << 14;
/** States in the cache: it fits into a second-level cache. */
const RECENT = 1 << 14;

export class Successors {
  /** Packed states, and their hashes and parents. */
  words: Int32Array;
  readonly hashes = new Int32Array(BATCH + MOST_STEPS);
  /** Hashes that do not depend on the layout, where the expander has them. */
  readonly names = new Int32Array(BATCH + MOST_STEPS);
  readonly parents = new Int32Array(BATCH + MOST_STEPS);
  count = 0;
  readonly #layout: Layout;
  readonly #ids: Int32Array;
  /** Direct-mapped; whole states, so that it is exact. */
  readonly #recent: Int32Array;

  /** @param found packed: any state that was found already */
  constructor(layout: Layout, found: Int32Array) {
    this.#layout = layout;
    this.#ids = new Int32Array(layout.slots);
    this.words = new Int32Array(this.parents.length * layout.words);
    this.#recent = new Int32Array(RECENT * layout.words);
    for (let at = 0; at < this.#recent.length; at += layout.words) this.#recent.set(found, at);
  }

  get isFull(): boolean {
    return this.count >= BATCH;
  }

  /**
   * Adds what follows from the state in the expander, and returns how many that are; `states` holds it
   * packed. Nothing counts until the caller sets `count` to it. With symmetry, representatives are added.
   */
  collect(
    expander: Expander,
    states: Int32Array,
    from: number,
    parent: number,
    symmetry: Symmetry | null = null,
  ): number {
    const { words, hashes, names, parents } = this;
    const layout = this.#layout;
    const width = layout.words;
    const steps = expander.count;
    if (steps > MOST_STEPS) throw new Error(`a state with ${steps} next states`);
    let at = this.count;
    for (let step = 0; step < steps; step++) {
      const to = at * width;
      if (!expander.applyPacked(step, layout, states, from, words, to)) continue;
      let hash = packedHash(words, to, width);
      // Also one whose representative was added: it was found already.
      if (this.isRecent(hash, to)) continue;
      if (symmetry !== null) {
        layout.unpack(words, to, this.#ids);
        symmetry.canonicalize(this.#ids);
        layout.pack(this.#ids, words, to);
        const own = packedHash(words, to, width);
        if (own !== hash && this.isRecent(own, to)) continue;
        hash = own;
      }
      hashes[at] = hash;
      names[at] = expander.hash;
      parents[at++] = parent;
    }
    return at;
  }

  /** Whether a state in `words` was met a moment ago; notes it. */
  isRecent(hash: number, from: number): boolean {
    const { words } = this;
    const recent = this.#recent;
    const width = this.#layout.words;
    // The other end of the hash than the table's index, which equal neighbours share.
    const cached = (hash >>> 18) * width;
    let word = 0;
    while (word < width && recent[cached + word] === words[from + word]) word++;
    if (word === width) return true;
    for (; word < width; word++) recent[cached + word] = wordAt(words, from + word);
    return false;
  }
}
