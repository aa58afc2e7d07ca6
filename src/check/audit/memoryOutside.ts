/**
 * Memory that a step does not declare: to be looked at for writes, and given other values for reads. Read and
 * written as an image, a list of arrays.
 */
import type { MemoryPart } from "../../hardware/normalForm.ts";
import { elementAt, restorePart, type WordArray } from "../../hardware/part.ts";
import { fieldOf, itemAt, wordAt } from "../../lookup.ts";
import { FIXED, type Row, type Span, STATISTICS } from "./memoryOwners.ts";

/** Its words, by row. */
export type MemoryImage = readonly WordArray[];

/** A word, by row and position; or all of a row. */
export interface WordPlace {
  readonly row: number;
  readonly at: number;
}
const WHOLE = -1;

/** A word that a step has written. */
export interface Change {
  readonly word: string;
  readonly before: number | null;
  readonly after: number | null;
}

/** A row with words that are not the step's. */
interface OuterRow {
  readonly row: Row;
  /** Words that may be other ones: all but what is fixed, and what the step declares. */
  readonly loose: readonly Span[];
  /** Nothing of it is loose: it is what it always was. */
  readonly isFixed: boolean;
  /** All of it is loose. */
  readonly isWhole: boolean;
}

/** A part with such rows: from one number up to another. */
interface Place {
  readonly part: MemoryPart;
  readonly from: number;
  readonly end: number;
}

/** In arrays of counters and indexes other values stay small: whoever wrongly goes by them must come to an end. */
const SMALL = 0x3ff;
const LOW = 0xffff;
/** Longer arrays are compared as bytes. */
const FEW = 32;

export class MemoryOutside {
  readonly #rows: readonly OuterRow[];
  readonly #places: readonly Place[];
  /** By row, of those that are fixed: as they were built. */
  readonly #fixed: readonly (WordArray | null)[];

  /** @param owners whose memory is not outside */
  constructor(rows: readonly Row[], owners: ReadonlySet<string>) {
    this.#rows = rows.flatMap((row): OuterRow[] => {
      const outer = row.spans.filter(({ owner }) => !owners.has(owner));
      if (outer.length === 0) return [];
      const loose = outer.filter(({ owner }) => owner !== FIXED);
      const isWhole = loose.length === row.spans.length;
      return [{ row, loose, isFixed: loose.length === 0, isWhole }];
    });
    let end = 0;
    this.#places = [...new Set(this.#rows.map(({ row: { part } }) => part))].map((part) => {
      const from = end;
      while (this.#rows[end]?.row.part === part) end++;
      return { part, from, end };
    });
    this.#fixed = this.#rows.map(({ row: { part, array }, isFixed }) =>
      isFixed ? fieldOf(part.arrays(), array).slice() : null,
    );
  }

  read(): MemoryImage {
    const image: WordArray[] = [];
    for (const { part, from, end } of this.#places) {
      const arrays = part.arrays();
      for (let row = from; row < end; row++) {
        image.push(this.#fixed[row] ?? fieldOf(arrays, itemAt(this.#rows, row).row.array).slice());
      }
    }
    return image;
  }

  write(image: MemoryImage): void {
    for (const { part, from, end } of this.#places) {
      const arrays: Record<string, WordArray> = { ...part.arrays() };
      let isSameShape = true;
      for (let row = from; row < end; row++) {
        const { isFixed, isWhole, loose, row: of } = itemAt(this.#rows, row);
        if (isFixed) continue;
        const now = fieldOf(arrays, of.array);
        isSameShape &&= now.length === itemAt(image, row).length;
        if (isWhole && isSameShape && part.put === undefined) now.set(itemAt(image, row));
        else if (isWhole) arrays[of.array] = itemAt(image, row);
        else copySpans(loose, itemAt(image, row), now);
      }
      if (part.put !== undefined) part.put(arrays);
      else if (!isSameShape) restorePart(part, { name: part.name, arrays: copies(arrays) });
    }
  }

  /** A word that has changed, of an owner who may not write it; null if there is none. */
  strayWrite(before: MemoryImage, mayWrite: string): Change | null {
    for (const { part, from, end } of this.#places) {
      const arrays = part.arrays();
      for (let number = from; number < end; number++) {
        const { row } = itemAt(this.#rows, number);
        const [old, now] = [itemAt(before, number), fieldOf(arrays, row.array)];
        if (isSame(old, now)) continue;
        const change = this.#changeIn(number, old, now, mayWrite);
        if (change !== null) return change;
      }
    }
    return null;
  }

  #changeIn(number: number, old: WordArray, now: WordArray, mayWrite: string): Change | null {
    const { row, loose } = itemAt(this.#rows, number);
    const spans = [...loose, ...row.spans.filter(({ owner }) => owner === FIXED)];
    for (let at = 0; at < Math.max(old.length, now.length); at++) {
      if (Object.is(old[at], now[at])) continue;
      const span = spans.find(({ from, end }) => at >= from && at < end);
      if (span === undefined && row.spans.some(({ from, end }) => at >= from && at < end)) continue;
      if (span?.owner === STATISTICS || span?.owner === mayWrite) continue;
      const [before, after] = [old[at] ?? null, now[at] ?? null];
      return { word: row.nameOf(at, (before ?? 0) ^ (after ?? 0)), before, after };
    }
    return null;
  }

  /**
   * The same memory with other values. Of each bit one of the two patterns has the other value; in each word the
   * first leaves the upper half alone.
   */
  scrambled(image: MemoryImage, pattern: 0 | 1): MemoryImage {
    return image.map((words, number) => {
      const { row, loose, isFixed } = itemAt(this.#rows, number);
      if (isFixed) return words;
      const other = words.slice();
      const isFloat = words instanceof Float64Array;
      const mask = row.array === "state" ? SMALL : -1;
      for (const { from, end } of loose) {
        const last = Math.min(end, words.length);
        for (let at = from; at < last; at++) {
          if (row.lengths.has(at)) continue;
          const flips = flipsOf(number, at, pattern);
          // What counts is not looked at bit by bit.
          other[at] = isFloat
            ? elementAt(words, at) + 1 + (flips & 0xff)
            : wordAt(words, at) ^ (flips & mask);
        }
      }
      return other;
    });
  }

  /** Words in which two images differ; WHOLE where an array has another length. */
  differences(one: MemoryImage, other: MemoryImage): WordPlace[] {
    return one.flatMap((words, row): WordPlace[] => {
      if (words.length !== itemAt(other, row).length) return [{ row, at: WHOLE }];
      return Array.from(words.keys())
        .filter((at) => !Object.is(words[at], itemAt(other, row)[at]))
        .map((at) => ({ row, at }));
    });
  }

  /** An image with some words of another. */
  mixed(base: MemoryImage, other: MemoryImage, places: readonly WordPlace[]): MemoryImage {
    const mixed = base.map((words) => words.slice());
    for (const { row, at } of places) {
      if (at === WHOLE) mixed[row] = itemAt(other, row).slice();
      else itemAt(mixed, row)[at] = elementAt(itemAt(other, row), at);
    }
    return mixed;
  }

  nameOf({ row, at }: WordPlace): string {
    return itemAt(this.#rows, row).row.nameOf(Math.max(at, 0), 0);
  }
}

function copySpans(spans: readonly Span[], from: WordArray, to: WordArray): void {
  for (const { from: first, end } of spans) {
    const last = Math.min(end, from.length, to.length);
    for (let at = first; at < last; at++) to[at] = elementAt(from, at);
  }
}

/** Detached from the part, which is about to make room. */
function copies(arrays: Readonly<Record<string, WordArray>>): Record<string, WordArray> {
  return Object.fromEntries(Object.entries(arrays).map(([key, words]) => [key, words.slice()]));
}

function isSame(one: WordArray, other: WordArray): boolean {
  const { length } = one;
  if (length !== other.length) return false;
  if (length > FEW) return bytesOf(one).equals(bytesOf(other));
  for (let at = 0; at < length; at++) if (!Object.is(one[at], other[at])) return false;
  return true;
}

function bytesOf({ buffer, byteOffset, byteLength }: WordArray): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Bits that a pattern turns over in a word: of each of the lower half, one of the two patterns. */
function flipsOf(row: number, at: number, pattern: 0 | 1): number {
  const hash = Math.imul(Math.imul(row + 1, 0x9e3779b1) ^ at, 0x85ebca6b);
  const mixed = hash ^ (hash >>> 15);
  return pattern === 0 ? mixed & LOW : ~mixed | ~LOW;
}
