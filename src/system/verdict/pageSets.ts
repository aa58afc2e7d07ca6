/**
 * Sets of pages as words: one bit a page, as trackers keep them, and two bits a page, as the ground truth
 * does (bit 0 touched, or read; bit 1 written). So that whole rounds are compared word by word.
 */
import { countBits } from "../../hardware/guestPages.ts";

/** The first bit of each page in a word of the two-bit layout. */
const FIRST = 0x55555555;
/** Pages in a word of either layout. */
const PAGES_OF_TWO_BITS = 16;
const PAGES_OF_ONE_BIT = 32;

/** Word `at` of the two-bit layout, made from a set with one bit a page: each in its page's first bit. */
export function spread(set: Int32Array, at: number): number {
  const word = set[at >>> 1] ?? 0;
  let bits = ((at & 1) === 0 ? word : word >>> 16) & 0xffff;
  bits = (bits | (bits << 8)) & 0x00ff00ff;
  bits = (bits | (bits << 4)) & 0x0f0f0f0f;
  bits = (bits | (bits << 2)) & 0x33333333;
  return (bits | (bits << 1)) & FIRST;
}

/** Pages of a word that have either bit, each in its first bit. */
export function either(word: number): number {
  return (word | (word >>> 1)) & FIRST;
}

/** Pages of a word that have the first bit. */
export function first(word: number): number {
  return word & FIRST;
}

/** Pages of a word that have the second bit, each in its first bit. */
export function second(word: number): number {
  return (word >>> 1) & FIRST;
}

/** The part of word `at` of the two-bit layout that stands for pages below `pages`. */
export function below(word: number, at: number, pages: number): number {
  const left = pages - at * PAGES_OF_TWO_BITS;
  if (left >= PAGES_OF_TWO_BITS) return word;
  return left <= 0 ? 0 : word & ((1 << (2 * left)) - 1);
}

/** Counts pages, and keeps the first ones. */
export class PageList {
  count = 0;
  readonly first: number[] = [];
  readonly #kept: number;

  constructor(kept: number) {
    this.#kept = kept;
  }

  /** Pages of word `at` of the two-bit layout, each in its first bit. */
  addOfTwoBits(bits: number, at: number): void {
    this.count += countBits(bits);
    for (let rest = bits; rest !== 0 && this.first.length < this.#kept; rest &= rest - 1) {
      this.first.push(at * PAGES_OF_TWO_BITS + (31 - Math.clz32(rest & -rest)) / 2);
    }
  }

  /** Pages of word `at` of a set with one bit a page. */
  addOfOneBit(bits: number, at: number): void {
    this.count += countBits(bits);
    for (let rest = bits; rest !== 0 && this.first.length < this.#kept; rest &= rest - 1) {
      this.first.push(at * PAGES_OF_ONE_BIT + 31 - Math.clz32(rest & -rest));
    }
  }
}
