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
 *
 * Guest-physical pages are numbered already, and keep their numbers.
 */

import { UserError } from "../../src/errors.ts";
import { LINEAR_PAGES_MAX } from "../../src/hardware/accessLoop.ts";
import { wordAt } from "../../src/lookup.ts";

export const placements = ["compact", "regions"] as const;
export type Placement = (typeof placements)[number];

/** 1 GiB, the reach of one page-directory-pointer entry. */
export const REGION_PAGES = 1 << 18;
const REGIONS_MAX = LINEAR_PAGES_MAX / REGION_PAGES;
/** 64 GiB of touched memory. */
const DISTINCT_PAGES_MAX = 1 << 24;
/** Pages that are numbered in one array: 4 MiB. */
const LEAF_PAGES = 1 << 10;
/**
 * Such arrays at most, 256 MiB in all whatever a trace says: programs of 256 GiB in pieces of 4 MiB. A trace
 * of a few KB can name pages that lie as far apart as no program's.
 */
const LEAVES_MAX = 1 << 16;

/** Numbers keys 0, 1, 2 ... in the order in which they are first asked for. */
class FirstUse {
  readonly #numbers = new Map<number, number>();
  readonly #limit: number;
  readonly #what: string;

  /** @param what the keys' name in the message, in the plural */
  constructor(limit: number, what: string) {
    this.#limit = limit;
    this.#what = what;
  }

  get count(): number {
    return this.#numbers.size;
  }

  /** @throws UserError beyond the limit */
  of(key: number): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    if (this.#numbers.size === this.#limit) {
      throw new UserError(`the trace uses more than ${this.#limit} ${this.#what}`);
    }
    this.#numbers.set(key, this.#numbers.size);
    return this.#numbers.size - 1;
  }
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

/** Of guest-physical pages, which keep their numbers. */
export class KeptNumbers implements Relocation {
  pages = 0;

  linearPage(page: number): number {
    if (page >= LINEAR_PAGES_MAX) {
      throw new UserError(
        `the trace uses guest-physical page ${page}; a guest has at most ${LINEAR_PAGES_MAX}`,
      );
    }
    if (page >= this.pages) this.pages = page + 1;
    return page;
  }
}

class CompactRelocation implements Relocation {
  pages = 0;
  readonly #leafNumbers = new FirstUse(LEAVES_MAX, "pieces of 4 MiB");
  /** Of each leaf, by page within it: 1 + the page's number, 0 before its first use. */
  readonly #leaves: Int32Array[] = [];
  #lastLeaf = -1;
  #leaf: Int32Array = new Int32Array(0);

  linearPage(page: number): number {
    const within = page % LEAF_PAGES;
    const leaf = (page - within) / LEAF_PAGES;
    // Most pages are near the one before.
    if (leaf !== this.#lastLeaf) {
      const number = this.#leafNumbers.of(leaf);
      this.#leaves[number] ??= new Int32Array(LEAF_PAGES);
      this.#leaf = this.#leaves[number];
      this.#lastLeaf = leaf;
    }
    const known = wordAt(this.#leaf, within);
    if (known > 0) return known - 1;
    if (this.pages === DISTINCT_PAGES_MAX) {
      throw new UserError(`the trace uses more than ${DISTINCT_PAGES_MAX} pages`);
    }
    this.#leaf[within] = ++this.pages;
    return this.pages - 1;
  }
}

class RegionRelocation implements Relocation {
  readonly #numbers = new FirstUse(REGIONS_MAX, "regions of 1 GiB");

  get pages(): number {
    return this.#numbers.count * REGION_PAGES;
  }

  linearPage(page: number): number {
    const within = page % REGION_PAGES;
    return this.#numbers.of((page - within) / REGION_PAGES) * REGION_PAGES + within;
  }
}
