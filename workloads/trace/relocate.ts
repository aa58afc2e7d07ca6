/**
 * From the pages of a trace, scattered over 2^52, to the linear pages of a guest, 0 to n - 1.
 *
 * `compact` numbers pages densely in the order of their first use, as an operating system hands out
 * frames to a process that has just started. It is the choice for guests whose paging is off: their
 * linear pages are their frames, and a guest of a few MiB is enough for a small program.
 *
 * `regions` moves whole 1 GiB regions next to each other, in the order of their first use. What is
 * near in the program stays near, so page tables look as the real ones; the guest needs a GiB of
 * linear space for each region.
 */

import { UserError } from "../../src/errors.ts";
import { LINEAR_PAGES_MAX } from "../../src/hardware/accessLoop.ts";

export const placements = ["compact", "regions"] as const;
export type Placement = (typeof placements)[number];

/** 1 GiB, the reach of one page-directory-pointer entry. */
export const REGION_PAGES = 1 << 18;
const REGIONS_MAX = LINEAR_PAGES_MAX / REGION_PAGES;
/** 64 GiB of touched memory; bounds the table to 400 MB whatever a trace says. */
const DISTINCT_PAGES_MAX = 1 << 24;
/**
 * Slots searched for a key. In a half-full table of 2^25 slots the longest row of used ones is about
 * 90; a longer one means keys that were chosen to collide, which would make the search crawl.
 */
const PROBES_MAX = 512;
const EMPTY = -1;

/** Numbers keys 0, 1, 2 ... in the order in which they are first asked for. */
export class FirstUseNumbers {
  count = 0;
  private readonly limit: number;
  private readonly what: string;
  private keys = new Float64Array(1024).fill(EMPTY);
  private numbers = new Int32Array(1024);

  /**
   * @param limit most keys that are accepted
   * @param what name of the keys in the error message, in the plural
   */
  constructor(limit: number, what: string) {
    this.limit = limit;
    this.what = what;
  }

  /**
   * The number of a key, 0 to 2^53 - 1; a new key gets the next number.
   * @throws UserError beyond the limit, or if the keys were made to collide.
   */
  of(key: number): number {
    const slot = this.find(key);
    if (this.keys[slot] === key) return this.numbers[slot]!;
    if (this.count === this.limit) {
      throw new UserError(`the trace uses more than ${this.limit} ${this.what}`);
    }
    this.keys[slot] = key;
    this.numbers[slot] = this.count++;
    if (this.count * 2 > this.keys.length) this.grow();
    return this.count - 1;
  }

  private find(key: number): number {
    const keys = this.keys;
    const mask = keys.length - 1;
    let slot = hash(key) & mask;
    for (let probes = 0; keys[slot] !== key && keys[slot] !== EMPTY; probes++) {
      if (probes === PROBES_MAX) {
        throw new UserError(`the trace's ${this.what} collide as no program's do; not used`);
      }
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private grow(): void {
    const { keys, numbers } = this;
    this.keys = new Float64Array(keys.length * 2).fill(EMPTY);
    this.numbers = new Int32Array(keys.length * 2);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      if (key === EMPTY) continue;
      const slot = this.find(key);
      this.keys[slot] = key;
      this.numbers[slot] = numbers[i]!;
    }
  }
}

function hash(key: number): number {
  let h = (key | 0) ^ Math.imul((key / 4294967296) | 0, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

export interface Relocation {
  /** Linear pages needed for all pages asked for so far. */
  readonly pages: number;
  /**
   * The linear page of a page of the trace; the first use of a page decides its place.
   * @throws UserError if the trace does not fit in linear space.
   */
  linearPage(page: number): number;
}

export function createRelocation(placement: Placement): Relocation {
  return placement === "compact" ? new CompactRelocation() : new RegionRelocation();
}

class CompactRelocation implements Relocation {
  private readonly numbers = new FirstUseNumbers(DISTINCT_PAGES_MAX, "pages");

  get pages(): number {
    return this.numbers.count;
  }

  linearPage(page: number): number {
    return this.numbers.of(page);
  }
}

class RegionRelocation implements Relocation {
  private readonly numbers = new FirstUseNumbers(REGIONS_MAX, "regions of 1 GiB");

  get pages(): number {
    return this.numbers.count * REGION_PAGES;
  }

  linearPage(page: number): number {
    const within = page % REGION_PAGES;
    return this.numbers.of((page - within) / REGION_PAGES) * REGION_PAGES + within;
  }
}
