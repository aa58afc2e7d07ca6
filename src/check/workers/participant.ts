/**
 * One thread of a parallel breadth-first search. States belong to threads by their hash. In a round each
 * thread expands states of its own and posts the successors to their owners; then each takes in what it got.
 *
 * Numbers of local states must mean the same everywhere. So while the threads work apart, nothing new is
 * worked out: a state that needs it waits. At the end of the round every thread expands all waiting states,
 * in the same order: all come to the same new values and numbers, and to the same layouts.
 */

import { wordAt } from "../../lookup.ts";
import { Checks } from "../engine/checks.ts";
import { Expander } from "../engine/expander.ts";
import type { Bounds } from "../engine/exploration.ts";
import { type Ending, loadPacked } from "../engine/explored.ts";
import type { Model } from "../engine/model.ts";
import { Packing } from "../engine/packing.ts";
import { packedHash, StateTable } from "../engine/stateTable.ts";
import { MOST_STEPS, Successors } from "../engine/successors.ts";
import { MOST_PENDING, SharedMemory } from "./sharedMemory.ts";

/** States that a thread expands in a round. */
const ROUND = 1 << 15;
/** States that are looked up together. */
const BATCH = 1024;

export interface ParallelOptions {
  readonly bounds?: Bounds | undefined;
  readonly keepGoing?: boolean | undefined;
}

/** The thread that a state belongs to. */
export function ownerOf(hash: number, threads: number): number {
  return ((hash >>> 16) * threads) >>> 16;
}

export class Participant {
  readonly number: number;
  readonly model: Model;
  readonly expander: Expander;
  readonly packing: Packing;
  readonly states: StateTable;
  readonly checks: Checks;
  /** By depth: states found so far, by all threads. */
  readonly levelEnds: number[] = [1];
  /** The next round ends the search. */
  isLast = false;
  readonly #memory: SharedMemory;
  readonly #options: ParallelOptions;
  #successors: Successors;
  /** Next own state to expand, and the end of the level. */
  #head = 0;
  #levelEnd = 0;
  #generated = 0;
  #expanded = 0;
  /** Successors that are one's own. */
  #own: Batch;
  /** By thread: states in the box to it. */
  readonly #posted: Int32Array;
  #mostPosted = 0;

  constructor(number: number, model: Model, memory: SharedMemory, options: ParallelOptions) {
    this.number = number;
    this.model = model;
    this.#memory = memory;
    this.#options = options;
    this.expander = new Expander(model);
    this.expander.isHashing = true;
    this.packing = new Packing(this.expander);
    this.checks = new Checks(model, this.expander);
    this.#posted = new Int32Array(memory.threads);
    const { layout } = this.packing;
    this.states = new StateTable(layout, true);
    const initial = new Int32Array(layout.words);
    layout.pack(model.initial, initial, 0);
    const hash = packedHash(initial, 0, layout.words);
    if (ownerOf(this.expander.stateHash.of(model.initial), memory.threads) === number) {
      this.states.addBatch(initial, Int32Array.of(hash), Int32Array.of(StateTable.NO_PARENT), 1);
      this.#levelEnd = 1;
      // The initial state counts as generated.
      this.#generated = 1;
    }
    this.#successors = new Successors(layout, initial);
    this.#own = this.#roomForOwn();
  }

  /** One round of all threads. Returns why the search ends, or null. @throws if another thread has failed */
  round(): Ending | "finished" | null {
    const memory = this.#memory;
    this.#expandOwn();
    memory.barrier();
    this.#receive();
    this.#publish();
    memory.barrier();
    if (memory.sum("last") > 0) return "finished";
    const isBroken = memory.sum("broken") > 0;
    const states = memory.sum("states");
    if (memory.sum("pending") > 0) {
      this.#expandPending();
      memory.barrier();
      return null;
    }
    if (memory.sum("left") === 0) return this.#endLevel(states, isBroken);
    return states >= (this.#options.bounds?.states ?? Number.POSITIVE_INFINITY) ? "bound" : null;
  }

  #endLevel(states: number, isBroken: boolean): Ending | null {
    const { bounds, keepGoing } = this.#options;
    if (isBroken && keepGoing !== true) return "violation";
    if (states === this.levelEnds.at(-1)) return "complete";
    if (this.levelEnds.length > (bounds?.depth ?? Number.POSITIVE_INFINITY)) return "bound";
    this.levelEnds.push(states);
    this.#levelEnd = this.states.count;
    return null;
  }

  #publish(): void {
    const memory = this.#memory;
    const { number } = this;
    memory.publish(number, "states", this.states.count);
    memory.publish(number, "generated", this.#generated);
    memory.publish(number, "expanded", this.#expanded);
    memory.publish(number, "left", this.#levelEnd - this.#head);
    memory.publish(number, "pending", wordAt(memory.pending(number), 0));
    memory.publish(number, "broken", this.checks.isBroken ? 1 : 0);
    memory.publish(number, "lookups", this.expander.lookups);
    memory.publish(number, "last", this.isLast ? 1 : 0);
  }

  /** A state's name among all threads. */
  #encode(state: number): number {
    return state * this.#memory.threads + this.number;
  }

  #expandOwn(): void {
    const { expander, states, packing } = this;
    const { layout } = packing;
    const pending = this.#memory.pending(this.number);
    const room = SharedMemory.room(layout.words) - BATCH - MOST_STEPS;
    pending[0] = 0;
    this.#posted.fill(0);
    this.#mostPosted = 0;
    expander.isFrozen = true;
    for (let left = ROUND; left > 0 && this.#head < this.#levelEnd; left--) {
      if (pending[0] === MOST_PENDING || this.#mostPosted > room) break;
      const state = this.#head++;
      const from = state * layout.words;
      layout.unpack(states.words, from, expander.ids);
      expander.missed = false;
      expander.expand();
      // What is found is right, also if not all is.
      this.#successors.count = this.#successors.collect(
        expander,
        states.words,
        from,
        this.#encode(state),
      );
      if (expander.missed) this.#defer(pending, state, from);
      else this.#conclude(state, states.words, from);
      if (this.#successors.isFull) this.#distribute(true);
    }
    this.#distribute(true);
    expander.isFrozen = false;
    for (let to = 0; to < this.#posted.length; to++) {
      if (to !== this.number) this.#memory.box(this.number, to).size[0] = wordAt(this.#posted, to);
    }
  }

  #conclude(state: number, words: Int32Array, from: number): void {
    this.#generated += this.expander.count;
    this.#expanded++;
    this.checks.look(this.#encode(state), this.packing.layout, words, from);
  }

  #defer(pending: Int32Array, state: number, from: number): void {
    const { words } = this.packing.layout;
    const at = SharedMemory.pendingAt(pending[0]!++);
    pending[at] = state;
    for (let word = 0; word < words; word++) {
      pending[at + 1 + word] = wordAt(this.states.words, from + word);
    }
  }

  /** Gives successors to their owners: all of them, or only one's own. */
  #distribute(posts: boolean): void {
    const successors = this.#successors;
    const { threads } = this.#memory;
    // Names become owners.
    const { names, count } = successors;
    for (let i = 0; i < count; i++) names[i] = ownerOf(wordAt(names, i), threads);
    for (let to = 0; to < threads; to++) {
      if (to === this.number || !posts) continue;
      this.#posted[to] = this.#copy(
        to,
        this.#memory.box(this.number, to),
        wordAt(this.#posted, to),
      );
      this.#mostPosted = Math.max(this.#mostPosted, wordAt(this.#posted, to));
    }
    const own = this.#own;
    const kept = this.#copy(this.number, own, 0);
    this.states.addBatch(own.words, own.hashes, own.parents, kept);
    successors.count = 0;
  }

  /** Copies the successors of one owner, to this place on. Returns the place after the last. */
  #copy(owner: number, to: Batch, first: number): number {
    const { words, hashes, names, parents, count } = this.#successors;
    const { words: toWords, hashes: toHashes, parents: toParents } = to;
    const width = this.packing.layout.words;
    let at = first;
    for (let i = 0; i < count; i++) {
      if (names[i] !== owner) continue;
      for (let word = 0; word < width; word++) {
        toWords[at * width + word] = wordAt(words, i * width + word);
      }
      toHashes[at] = wordAt(hashes, i);
      toParents[at++] = wordAt(parents, i);
    }
    return at;
  }

  #receive(): void {
    for (let from = 0; from < this.#memory.threads; from++) {
      if (from === this.number) continue;
      const { words, size, hashes, parents } = this.#memory.box(from, this.number);
      const count = wordAt(size, 0);
      for (let at = 0; at < count; at += BATCH) {
        this.states.addBatch(words, hashes, parents, Math.min(BATCH, count - at), at);
      }
    }
  }

  /** Every thread does the same here. Only what follows, the successors, each keeps for himself. */
  #expandPending(): void {
    const waiting: { readonly owner: number; readonly state: number; readonly ids: Int32Array }[] =
      [];
    const { layout } = this.packing;
    for (let owner = 0; owner < this.#memory.threads; owner++) {
      const pending = this.#memory.pending(owner);
      for (let i = 0; i < wordAt(pending, 0); i++) {
        const at = SharedMemory.pendingAt(i);
        const ids = new Int32Array(layout.slots);
        layout.unpack(pending, at + 1, ids);
        waiting.push({ owner, state: wordAt(pending, at), ids });
      }
    }
    for (const { owner, state, ids } of waiting) {
      while (!this.#expandWaiting(owner, state, ids)) {
        this.#distribute(false);
        const renewed = this.packing.renew();
        this.states.relayout(renewed);
        const found = new Int32Array(renewed.words);
        renewed.pack(ids, found, 0);
        this.#successors = new Successors(renewed, found);
        this.#own = this.#roomForOwn();
      }
      this.#distribute(false);
    }
  }

  /** Returns false if the layout has become too small. */
  #expandWaiting(owner: number, state: number, ids: Int32Array): boolean {
    const { expander, packing } = this;
    const { layout } = packing;
    const packed = new Int32Array(layout.words);
    layout.pack(ids, packed, 0);
    loadPacked(expander, layout, packed, 0);
    if (packing.isOutgrown) return false;
    const parent = state * this.#memory.threads + owner;
    const end = this.#successors.collect(expander, packed, 0, parent);
    if (packing.isOutgrown) return false;
    this.#successors.count = end;
    if (owner === this.number) this.#conclude(state, packed, 0);
    return true;
  }

  #roomForOwn(): Batch {
    const room = BATCH + MOST_STEPS;
    return {
      words: new Int32Array(room * this.packing.layout.words),
      hashes: new Int32Array(room),
      parents: new Int32Array(room),
    };
  }
}

/** States to be looked up: packed, with hashes and parents. */
interface Batch {
  readonly words: Int32Array;
  readonly hashes: Int32Array;
  readonly parents: Int32Array;
}
