/**
 * The states that were found: packed, each once, in the order of finding, and an open-addressing hash
 * table over them. Three typed arrays, and nothing else for each state.
 */

import { wordAt } from "../../lookup.ts";
import type { States } from "./explored.ts";
import type { Layout } from "./layout.ts";
import { mix } from "./tupleTable.ts";

const FIRST_STATES = 1 << 12;
/** The hash table grows when it is this full. */
const LOAD = 0.7;
/** States grow by this factor: less than the table, for they are the larger part. */
const GROWTH = 1.5;
const NO_PARENT = -1;

export interface SharedStates {
  readonly words: Int32Array;
  readonly parent: Int32Array;
  readonly count: number;
  readonly table: Int32Array;
}

export class StateTable implements States {
  layout: Layout;
  /** Packed states, layout.words words each. */
  words: Int32Array;
  /** By state: the state it was first reached from. */
  parent: Int32Array;
  count = 0;
  /** 1 + state in the low bits, as many as the table's index has; above them the hash's, as a tag. 0 = empty. */
  #table: Int32Array;
  #mask: number;
  /** Keeps the loads of a batch alive. */
  #touched = 0;

  readonly #allot: (length: number) => Int32Array;

  /** @param isShared other threads may read it */
  constructor(layout: Layout, isShared = false) {
    this.#allot = isShared
      ? (length) => new Int32Array(new SharedArrayBuffer(4 * length))
      : (length) => new Int32Array(length);
    this.layout = layout;
    this.words = this.#allot(FIRST_STATES * layout.words);
    this.parent = this.#allot(FIRST_STATES);
    this.#table = this.#allot(2 * FIRST_STATES);
    this.#mask = 2 * FIRST_STATES - 1;
  }

  read(state: number, packed: Int32Array): void {
    const { words } = this.layout;
    for (let word = 0; word < words; word++)
      packed[word] = wordAt(this.words, state * words + word);
  }

  parentOf(state: number): number {
    return wordAt(this.parent, state);
  }

  /** The arrays, for another thread; `shared` makes a table of them. */
  get shared(): SharedStates {
    const { words, parent, count } = this;
    return { words, parent, count, table: this.#table };
  }

  static of(layout: Layout, { words, parent, count, table }: SharedStates): StateTable {
    const states = new StateTable(layout);
    states.words = words;
    states.parent = parent;
    states.count = count;
    states.#table = table;
    states.#mask = table.length - 1;
    return states;
  }

  get bytes(): number {
    return this.words.byteLength + this.parent.byteLength + this.#table.byteLength;
  }

  /**
   * Adds packed states that are new. Their searches go side by side, so that cache misses overlap.
   * @param hashes by state of the batch: packedHash of it
   * @param parents by state of the batch: the state it comes from, NO_PARENT for none
   * @param first of the batch, and `count` from there
   */
  addBatch(
    batch: Int32Array,
    hashes: Int32Array,
    parents: Int32Array,
    count: number,
    first = 0,
  ): void {
    const end = first + count;
    const { words: width } = this.layout;
    while (this.count + count > LOAD * (this.#mask + 1)) this.#growTable();
    this.#reserve(this.count + count);
    const table = this.#table;
    const mask = this.#mask;
    let touched = 0;
    for (let i = first; i < end; i++) touched ^= wordAt(table, wordAt(hashes, i) & mask);
    const { words, parent } = this;
    for (let i = first; i < end; i++) {
      const entry = this.#probe(wordAt(hashes, i), wordAt(hashes, i) & mask);
      // An empty entry names no state.
      touched ^= wordAt(words, Math.max(0, (wordAt(table, entry) & mask) - 1) * width);
    }
    this.#touched ^= touched;
    let states = this.count;
    for (let i = first; i < end; i++) {
      const from = i * width;
      const hash = wordAt(hashes, i);
      for (let at = this.#probe(hash, hash & mask); ; at = this.#probe(hash, (at + 1) & mask)) {
        const entry = wordAt(table, at);
        if (entry === 0) {
          const to = states * width;
          for (let word = 0; word < width; word++) words[to + word] = wordAt(batch, from + word);
          parent[states] = wordAt(parents, i);
          table[at] = ++states | (hash & ~mask);
          break;
        }
        const found = ((entry & mask) - 1) * width;
        let word = 0;
        while (word < width && words[found + word] === batch[from + word]) word++;
        if (word === width) break;
      }
    }
    this.count = states;
  }

  /** From a place of the table on: the next that is empty, or whose tag is the hash's. */
  #probe(hash: number, from: number): number {
    const table = this.#table;
    const mask = this.#mask;
    let at = from;
    for (;;) {
      const entry = wordAt(table, at);
      if (entry === 0 || ((entry ^ hash) & ~mask) === 0) return at;
      at = (at + 1) & mask;
    }
  }

  /** The number of a packed state, -1 if it was not found yet. */
  find(packed: Int32Array): number {
    const { words: width } = this.layout;
    const hash = packedHash(packed, 0, width);
    for (let at = hash & this.#mask; ; at = (at + 1) & this.#mask) {
      at = this.#probe(hash, at);
      const entry = wordAt(this.#table, at);
      if (entry === 0) return -1;
      const state = (entry & this.#mask) - 1;
      let word = 0;
      while (word < width && this.words[state * width + word] === packed[word]) word++;
      if (word === width) return state;
    }
  }

  /** Packs every state for another layout. */
  relayout(layout: Layout): void {
    const before = this.words;
    const old = this.layout;
    const ids = new Int32Array(layout.slots);
    this.words = this.#allot((before.length / old.words) * layout.words);
    for (let state = 0; state < this.count; state++) {
      old.unpack(before, state * old.words, ids);
      layout.pack(ids, this.words, state * layout.words);
    }
    this.layout = layout;
    this.#rebuild();
  }

  /** Puts states in the place of all there are. */
  restore(layout: Layout, words: Int32Array, parent: Int32Array): void {
    this.layout = layout;
    this.count = parent.length;
    this.words = this.#allot(words.length);
    this.words.set(words);
    this.parent = this.#allot(parent.length);
    this.parent.set(parent);
    let length = this.#mask + 1;
    while (this.count > LOAD * length) length *= 2;
    this.#table = this.#allot(length);
    this.#mask = length - 1;
    this.#rebuild();
  }

  #reserve(states: number): void {
    if (states <= this.parent.length) return;
    const room = Math.max(states, Math.ceil(this.parent.length * GROWTH));
    const words = this.#allot(room * this.layout.words);
    words.set(this.words);
    this.words = words;
    const parent = this.#allot(room);
    parent.set(this.parent);
    this.parent = parent;
  }

  #growTable(): void {
    this.#mask = 2 * this.#mask + 1;
    this.#table = this.#allot(0);
    this.#table = this.#allot(this.#mask + 1);
    this.#rebuild();
  }

  #rebuild(): void {
    const { words: width } = this.layout;
    const table = this.#table.fill(0);
    for (let state = 0; state < this.count; state++) {
      const hash = packedHash(this.words, state * width, width);
      let at = hash & this.#mask;
      while (table[at] !== 0) at = (at + 1) & this.#mask;
      table[at] = (state + 1) | (hash & ~this.#mask);
    }
  }

  static readonly NO_PARENT = NO_PARENT;
}

/** The hash of a packed state. Its low bits are its place in the table. */
export function packedHash(words: Int32Array, from: number, width: number): number {
  let hash = 0;
  for (let word = 0; word < width; word++) hash = mix(hash, wordAt(words, from + word));
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
