/**
 * SHARDS (Waldspurger et al., FAST'15): reuse distances of a sample of the pages, chosen by their hashes, and the miss-ratio
 * curve that follows. A page is in the sample iff its hash modulo P = 2^24 is below T; R = T / P. With a limit to the sample
 * T falls as pages come ("fixed size"). The distance of a reference is its place in an LRU stack, from 1: among the sample
 * it is divided by R. With R = 1 it is the exact one.
 */
import type { Part, WordArray } from "../../hardware/part.ts";
import { numberAt } from "../../lookup.ts";
import { LruStack } from "./lruStack.ts";
import { MaxHeap } from "./maxHeap.ts";
import { type MissRatio, missRatios } from "./missRatios.ts";

/** P: hashes are taken modulo this. */
export const SHARDS_MODULUS = 2 ** 24;

export interface ShardsSettings {
  /** T at the beginning: 1 to P. */
  readonly threshold: number;
  /** Pages that the sample has at most; 0: no limit. */
  readonly most: number;
  /** Pages of the VM's data: others are not looked at. */
  readonly pages: number;
  /** Points of the curve, at most: a bucket of the histogram is as many pages wide as that asks for. */
  readonly buckets: number;
  /** Whether the references that a sample has too few, or too many, are put into the first bucket (SHARDS-adj). */
  readonly adjusts: boolean;
}

/** Words of the state. */
const At = {
  threshold: 0,
  /** References since the histogram was emptied, and those of first-time pages, as a part of the sample's. */
  references: 1,
  first: 2,
  /** Sampled references, each divided by the T of its time; `first` too. */
  sampled: 3,
  /** Nodes that were gone through: what the sample has cost. */
  steps: 4,
} as const;

export class Shards implements Part {
  readonly name: string;
  readonly state = new Float64Array(Object.keys(At).length);
  /** References by distance, each divided by the T of its time: so all are scaled as T falls, whenever that is. */
  readonly #histogram: Float64Array;
  readonly #width: number;
  readonly #settings: ShardsSettings;
  readonly #stack: LruStack;
  readonly #largest: MaxHeap;
  readonly #hash: (page: number) => number;

  constructor(name: string, settings: ShardsSettings, hash = shardsHash) {
    const { pages, buckets, threshold } = settings;
    this.name = name;
    this.#settings = settings;
    this.#hash = hash;
    this.#width = Math.max(1, Math.ceil(pages / buckets));
    this.#histogram = new Float64Array(Math.max(1, Math.ceil(pages / this.#width)));
    this.#stack = new LruStack(
      pages,
      settings.most === 0 ? pages : Math.min(pages, settings.most + 1),
    );
    this.#largest = new MaxHeap(settings.most === 0 ? 0 : settings.most + 1);
    this.state[At.threshold] = threshold;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { state } = this;
    const { arrays } = this.#stack;
    return { state, histogram: this.#histogram, ...arrays, ...this.#largest.arrays };
  }

  get rate(): number {
    return numberAt(this.state, At.threshold) / SHARDS_MODULUS;
  }

  /** Pages in the sample. */
  get held(): number {
    return this.#stack.held;
  }

  /** Nodes of its trees that were gone through, since the beginning. */
  get steps(): number {
    return numberAt(this.state, At.steps);
  }

  /** Words that a look goes through. */
  get words(): number {
    return this.#histogram.length;
  }

  isSampled(page: number): boolean {
    return this.#hash(page) % SHARDS_MODULUS < numberAt(this.state, At.threshold);
  }

  /** A reference. */
  note(page: number): void {
    const { state } = this;
    if (page >= this.#settings.pages) return;
    state[At.references] = numberAt(state, At.references) + 1;
    if (!this.isSampled(page)) return;
    const weight = 1 / numberAt(state, At.threshold);
    state[At.sampled] = numberAt(state, At.sampled) + weight;
    const depth = this.#stack.refer(page);
    state[At.steps] = numberAt(state, At.steps) + (32 - Math.clz32(this.held));
    if (depth === 0) {
      state[At.first] = numberAt(state, At.first) + weight;
      this.#hold(page);
      return;
    }
    const bucket = this.#bucketOf(this.distanceOf(depth));
    this.#histogram[bucket] = numberAt(this.#histogram, bucket) + weight;
  }

  /** A place in the sample's stack as one among all pages. No place is below the VM's last. */
  distanceOf(depth: number): number {
    return Math.min(Math.round(depth / this.rate), this.#settings.pages);
  }

  #bucketOf(distance: number): number {
    return Math.ceil(distance / this.#width) - 1;
  }

  /** A new page of the sample: if there are too many, all with the largest hash go, and T becomes that hash. */
  #hold(page: number): void {
    const { most } = this.#settings;
    if (most === 0) return;
    this.#largest.push(this.#hash(page) % SHARDS_MODULUS, page);
    if (this.#largest.size <= most) return;
    const largest = this.#largest.key;
    while (this.#largest.size > 0 && this.#largest.key === largest) {
      this.#stack.remove(this.#largest.pop());
    }
    // A threshold of 0 would sample nothing ever again.
    this.state[At.threshold] = Math.max(1, largest);
  }

  /** How many misses an LRU memory of each size would have had since the histogram was emptied. */
  curve(): MissRatio[] {
    const { state } = this;
    const threshold = numberAt(state, At.threshold);
    const total = numberAt(state, At.sampled) * threshold;
    const expected = numberAt(state, At.references) * this.rate;
    const added = this.#settings.adjusts ? expected - total : 0;
    return missRatios(this.#histogram, {
      width: this.#width,
      pages: this.#settings.pages,
      scale: threshold,
      total,
      added,
    });
  }

  /** The histogram becomes empty; when each page was referred to last stays known. */
  endInterval(): void {
    this.#histogram.fill(0);
    for (const word of [At.references, At.first, At.sampled]) this.state[word] = 0;
  }
}

/** MurmurHash3's finalizer, of 24 bits: any hash that mixes well will do. */
export function shardsHash(page: number): number {
  let bits = Math.imul(page ^ 0x5bd1e995, 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return ((bits ^ (bits >>> 16)) >>> 0) % SHARDS_MODULUS;
}
