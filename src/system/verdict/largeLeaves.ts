/**
 * What PRL can know of a page that a large leaf maps: a miss for one page of the leaf fills the TLB for
 * all of them, so one address stands for the leaf.
 */

import { type Ept, findLeaf } from "../../hardware/ept.ts";
import { wordAt } from "../../lookup.ts";
import { spread } from "./pageSets.ts";

const PAGES_OF_A_WORD = 16;

export class LargeLeaves {
  readonly #ept: Ept;
  readonly #reported: Int32Array;
  readonly #dropped: Int32Array;
  /** By the first page of a leaf: whether an address of it was reported, or dropped. */
  readonly #known = new Map<number, boolean>();

  /**
   * @param reported two bits a page
   * @param dropped one bit a page
   */
  constructor(ept: Ept, reported: Int32Array, dropped: Int32Array) {
    this.#ept = ept;
    this.#reported = reported;
    this.#dropped = dropped;
  }

  /** Of the pages of word `at`, each in its first bit: those whose leaf is large and was reported, or dropped, by another page. */
  among(pages: number, at: number): number {
    let found = 0;
    for (let rest = pages; rest !== 0; rest &= rest - 1) {
      const bit = rest & -rest;
      if (this.#isKnown(at * PAGES_OF_A_WORD + (31 - Math.clz32(bit)) / 2)) found |= bit;
    }
    return found;
  }

  #isKnown(page: number): boolean {
    const leaf = findLeaf(this.#ept, page);
    if (leaf === null || leaf.level === 1) return false;
    const size = 2 ** ((leaf.level - 1) * this.#ept.geometry.indexBits);
    const first = page - (page % size);
    let known = this.#known.get(first);
    if (known === undefined) {
      known = this.#anyOf(first, size);
      this.#known.set(first, known);
    }
    return known;
  }

  #anyOf(first: number, size: number): boolean {
    for (let page = first; page < first + size; page++) {
      const at = page >>> 4;
      const bits = wordAt(this.#reported, at) | spread(this.#dropped, at);
      if (((bits >>> (2 * (page & 15))) & 1) !== 0) return true;
    }
    return false;
  }
}
