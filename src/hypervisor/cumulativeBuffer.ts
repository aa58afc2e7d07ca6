/**
 * The cumulative buffer of one VM: how often each GPA was logged (VEE21 3.3). Counters exist only
 * for pages near one that was logged: blocks of 512 are allotted at first use.
 */

import {
  type NormalForm,
  numberedNames,
  renumberedList,
  SCRAMBLED,
} from "../hardware/normalForm.ts";
import type { Part, WordArray } from "../hardware/part.ts";
import { fieldOf, wordAt, words } from "../lookup.ts";

const BLOCK_BITS = 9;
const BLOCK = 1 << BLOCK_BITS;

/** Words of the state. */
const At = {
  /** Blocks that have counters. */
  blocks: 0,
  /** Distinct pages that were logged. */
  pages: 1,
} as const;

/** Is told each entry that a full log's handler copies, in the order of logging. */
export interface EntryFollower {
  note(page: number): void;
  /** What it has done since the beginning, in words that it looked at. */
  readonly steps: number;
}

export class CumulativeBuffer implements Part {
  readonly name: string;
  /** An estimator's, which sets it when the system is made. */
  follower: EntryFollower | null = null;
  /** Per block of pages: 1 + the position of its counters, or 0. */
  readonly directory: Int32Array;
  counts: Int32Array = new Int32Array(BLOCK);
  readonly state = words(2);

  constructor(name: string, pages: number) {
    this.name = name;
    this.directory = new Int32Array(Math.ceil(pages / BLOCK) || 1);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const counts = this.counts.subarray(0, this.state[At.blocks] * BLOCK);
    return { directory: this.directory, state: this.state, counts };
  }

  /** Words of the counters and of the directory to them. */
  get words(): number {
    return this.directory.length + this.state[At.blocks] * BLOCK;
  }

  resize(lengths: Readonly<Record<string, number>>): void {
    const needed = lengths["counts"] ?? 0;
    if (needed > this.counts.length) this.counts = new Int32Array(needed);
    // Blocks beyond are allotted later, and begin at zero.
    this.counts.fill(0, needed);
    this.state[At.blocks] = needed / BLOCK;
  }

  /** Distinct pages that were logged. */
  get pagesLogged(): number {
    return this.state[At.pages];
  }
}

/** A counter that is full stays so: it must not become negative, and its page cold. */
export const COUNT_MAX = 0x7fffffff;

/** Adds one occurrence of a page. Pages beyond the VM are ignored. */
export function addOccurrence(buffer: CumulativeBuffer, page: number): void {
  const { directory, state } = buffer;
  const block = page >>> BLOCK_BITS;
  if (block >= directory.length) return;
  let position = wordAt(directory, block);
  if (position === 0) {
    position = state[At.blocks] + 1;
    state[At.blocks] = position;
    directory[block] = position;
    if (position * BLOCK > buffer.counts.length) {
      const grown = new Int32Array(buffer.counts.length * 2);
      grown.set(buffer.counts);
      buffer.counts = grown;
    }
  }
  const at = (position - 1) * BLOCK + (page & (BLOCK - 1));
  const before = wordAt(buffer.counts, at);
  if (before === 0) state[At.pages] += 1;
  if (before < COUNT_MAX) buffer.counts[at] = before + 1;
}

/** Occurrences of a page so far. */
export function occurrencesOf(buffer: CumulativeBuffer, page: number): number {
  const position = buffer.directory[page >>> BLOCK_BITS] ?? 0;
  return position === 0 ? 0 : wordAt(buffer.counts, (position - 1) * BLOCK + (page & (BLOCK - 1)));
}

/** Calls `visit` for each page that was logged, ascending, with its count. */
export function forEachOccurrence(
  buffer: CumulativeBuffer,
  visit: (page: number, count: number) => void,
): void {
  for (let block = 0; block < buffer.directory.length; block++) {
    const position = wordAt(buffer.directory, block);
    if (position === 0) continue;
    const first = (position - 1) * BLOCK;
    for (let i = 0; i < BLOCK; i++) {
      const count = wordAt(buffer.counts, first + i);
      if (count > 0) visit(block * BLOCK + i, count);
    }
  }
}

/** Distinct pages logged at least `threshold` times, the first `pages` pages only. */
export function countPages(buffer: CumulativeBuffer, threshold: number, pages: number): number {
  let found = 0;
  for (let block = 0; block < buffer.directory.length; block++) {
    const position = wordAt(buffer.directory, block);
    if (position === 0) continue;
    const first = (position - 1) * BLOCK;
    const inBlock = Math.min(BLOCK, pages - block * BLOCK);
    for (let i = 0; i < inBlock; i++) if (wordAt(buffer.counts, first + i) >= threshold) found++;
  }
  return found;
}

export function clearOccurrences(buffer: CumulativeBuffer): void {
  buffer.directory.fill(0);
  buffer.counts.fill(0);
  buffer.state.fill(0);
}

/**
 * Of a VM whose pages have one block.
 * @param most how often a page was logged is counted to here: beyond it, no threshold tells it apart
 */
export function bufferForm(
  buffer: CumulativeBuffer,
  pages: number,
  most: number,
  vm: number,
): NormalForm {
  const { directory, state } = buffer;
  const nameOf = numberedNames("the count of page", `VM ${vm}`);
  return {
    extents: [
      { part: buffer, array: "counts", nameOf },
      ...["directory", "state"].map((array) => ({
        part: buffer,
        array,
        nameOf: () => `the ${array} of the counts of VM ${vm}`,
      })),
    ],
    lists: ["buffer"],
    save() {
      const counts = fieldOf(buffer.arrays(), "counts").subarray(0, pages);
      return { buffer: Array.from(counts, (count) => Math.min(count, most)) };
    },
    restore(lists) {
      const counts = fieldOf(lists, "buffer");
      directory.fill(0);
      buffer.counts.fill(0);
      state.fill(0);
      counts.forEach((count, page) => {
        buffer.counts[page] = count;
      });
      if (counts.length === 0) return;
      directory[0] = 1;
      state.set([1, counts.filter((count) => count > 0).length]);
    },
    scramble() {
      buffer.counts.forEach((count, page, all) => {
        if (count >= most) all[page] = count + SCRAMBLED;
      });
    },
    renumber: (lists, { page }) => ({
      buffer: renumberedList(fieldOf(lists, "buffer"), (own) => page(vm, own)),
    }),
  };
}
