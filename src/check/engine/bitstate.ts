/**
 * Bitstate search: of a state that was met only a few bits remain, in a Bloom filter of a fixed size. States
 * that collide with others are left out, so what it does not find may still be there; what it finds is real.
 * Depth first, for then the run to a state is on the stack (Holzmann, "An analysis of bitstate hashing",
 * 1998); three bits a state (Dillinger and Manolios, "Bloom filters in probabilistic verification", FMCAD 2004).
 */

import { wordAt } from "../../lookup.ts";
import { Checks, type Found } from "./checks.ts";
import { Expander } from "./expander.ts";
import { type Ending, loadIds, type Search } from "./explored.ts";
import type { Model } from "./model.ts";
import { Packing } from "./packing.ts";
import { packedHash, StateTable } from "./stateTable.ts";
import { mix } from "./tupleTable.ts";

const BITS_A_STATE = 3;
const WATCH_STATES = 4096;
const DEPTH_DEFAULT = 200_000;

export interface BitstateOptions {
  /** Of the filter, as a power of two: from 10 to 32. */
  readonly bits: number;
  /** Longest run, in states. */
  readonly depth?: number;
  readonly keepGoing?: boolean;
}

/** A state on the stack. */
interface Frame {
  readonly ids: Int32Array;
  /** Next step to take. */
  step: number;
}

export class BitstateSearch implements Search {
  readonly model: Model;
  readonly expander: Expander;
  /** The states on the way to what was found; no others are kept. */
  readonly states: StateTable;
  readonly symmetry = null;
  readonly levelEnds: readonly number[] = [];
  generated = 1;
  distinct = 0;
  expanded = 0;
  depth = 0;
  ending: Ending | null = null;
  readonly #options: BitstateOptions;
  readonly #checks: Checks;
  readonly #packing: Packing;
  readonly #filter: Uint32Array;
  #ones = 0;
  #expectedLost = 0;
  #isCut = false;
  readonly #stack: Frame[] = [];

  constructor(model: Model, options: BitstateOptions) {
    this.model = model;
    this.#options = options;
    this.#filter = new Uint32Array(2 ** (options.bits - 5));
    this.expander = new Expander(model);
    this.#packing = new Packing(this.expander);
    this.#checks = new Checks(model, this.expander);
    this.states = new StateTable(this.#packing.layout);
    this.#addToStates(model.initial, StateTable.NO_PARENT);
    this.#mark(model.initial);
    this.#push(model.initial.slice());
  }

  get bytes(): number {
    return this.#filter.byteLength + this.states.bytes;
  }

  get lookups(): number {
    return this.expander.lookups;
  }

  get findings(): readonly Found[] {
    return this.#checks.found;
  }

  /** The probability with which a state that was never met passes for one that was. */
  get omission(): number {
    return (this.#ones / 2 ** this.#options.bits) ** BITS_A_STATE;
  }

  get remarks(): readonly string[] {
    const full = ((100 * this.#ones) / 2 ** this.#options.bits).toPrecision(2);
    const cut = this.#isCut ? ["runs that are longer than the stack were cut"] : [];
    return [
      `bitstate: 2^${this.#options.bits} bits, ${full} % set; a new state is now left out with probability ${this.omission.toExponential(1)}, and about ${this.#expectedLost.toPrecision(2)} states were, with all that only they lead to: nothing is proved`,
      ...cut,
    ];
  }

  run(goOn: () => boolean = () => true): Ending {
    this.ending = null;
    let untilWatch = WATCH_STATES;
    while (this.ending === null) {
      if (this.#checks.isBroken && this.#options.keepGoing !== true) this.ending = "violation";
      // All that the filter lets pass: not all there is.
      else if (this.#stack.length === 0) this.ending = "bound";
      else if (--untilWatch === 0) {
        untilWatch = WATCH_STATES;
        if (!goOn()) this.ending = "stopped";
      } else this.#takeStep();
    }
    return this.ending;
  }

  /** Takes the next step of the last state on the stack, or goes back. */
  #takeStep(): void {
    const { expander } = this;
    const frame = this.#stack.at(-1)!;
    this.#load(frame.ids);
    if (frame.step === expander.count) {
      this.#stack.pop();
      return;
    }
    const next = expander.ids.slice();
    expander.apply(frame.step++, next);
    if (!this.#mark(next)) return;
    if (this.#stack.length < (this.#options.depth ?? DEPTH_DEFAULT)) this.#push(next);
    else this.#isCut = true;
  }

  #push(ids: Int32Array): void {
    this.#stack.push({ ids, step: 0 });
    this.depth = Math.max(this.depth, this.#stack.length - 1);
    const packed = this.#load(ids);
    this.generated += this.expander.count;
    this.expanded++;
    this.#checks.look(-1, this.#packing.layout, packed, 0);
    if (this.#checks.hasUnplaced) this.#checks.place(this.#keepStack());
  }

  /** Expands a state. Returns it packed. */
  #load(ids: Int32Array): Int32Array {
    loadIds(this.expander, ids);
    return this.#pack(ids);
  }

  #pack(ids: Int32Array): Int32Array {
    if (this.#packing.isOutgrown) this.states.relayout(this.#packing.renew());
    const packed = new Int32Array(this.#packing.layout.words);
    this.#packing.layout.pack(ids, packed, 0);
    return packed;
  }

  /** Keeps the run to the last state on the stack, and what follows it. Returns the state's number. */
  #keepStack(): number {
    let parent = 0;
    for (const { ids } of this.#stack.slice(1)) parent = this.#addToStates(ids, parent);
    const { expander } = this;
    for (let step = 0; step < expander.count; step++) {
      const next = expander.ids.slice();
      expander.apply(step, next);
      this.#addToStates(next, parent);
    }
    return parent;
  }

  #addToStates(ids: Int32Array, parent: number): number {
    const packed = this.#pack(ids);
    const hash = packedHash(packed, 0, packed.length);
    this.states.addBatch(packed, Int32Array.of(hash), Int32Array.of(parent), 1);
    return this.states.find(packed);
  }

  /** Sets the bits of a state. Returns whether one was new. */
  #mark(ids: Int32Array): boolean {
    let first = 0;
    let second = 0x9e3779b1;
    for (let slot = 0; slot < ids.length; slot++) {
      if (ids[slot] === 0) continue;
      first = mix(mix(first, slot), wordAt(ids, slot));
      second = mix(mix(second, wordAt(ids, slot)), slot);
    }
    let isNew = false;
    const before = this.omission;
    for (let i = 0; i < BITS_A_STATE; i++) {
      const hash = mix(Math.imul(first, 0x85ebca6b), second + Math.imul(i, first | 1));
      const bit = hash >>> (32 - this.#options.bits);
      const word = bit >>> 5;
      if (((this.#filter[word] ?? 0) & (1 << (bit & 31))) !== 0) continue;
      this.#filter[word]! |= 1 << (bit & 31);
      this.#ones++;
      isNew = true;
    }
    if (!isNew) return false;
    this.#expectedLost += before;
    this.distinct++;
    return true;
  }
}
