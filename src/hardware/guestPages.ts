/**
 * What is known about a VM's pages beside their EPT entries: the ground truth of which were read and
 * written, which no tracker may look at, and optionally a version of each page's contents.
 */
import type { Part, WordArray } from "./part.ts";

/** Pages in one word of the truth: two bits each. */
const PAGES_PER_WORD = 16;

export class GuestPages implements Part {
  readonly name: string;
  /** Pages of guest-physical memory. */
  readonly pages: number;
  /** Two bits per page: read or fetched, written, since the truth was last cleared. */
  readonly truth: Int32Array;
  /** Increments on each write; empty when contents are not kept. */
  readonly versions: Int32Array;

  constructor(name: string, pages: number, keepVersions: boolean) {
    this.name = name;
    this.pages = pages;
    this.truth = new Int32Array(Math.ceil(pages / PAGES_PER_WORD) || 1);
    this.versions = new Int32Array(keepVersions ? pages : 0);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { truth: this.truth, versions: this.versions };
  }
}

/** Distinct pages by kind. */
export interface PageCounts {
  readonly pagesRead: number;
  readonly pagesWritten: number;
  readonly pagesTouched: number;
}

/** Counts the ground truth since it was last cleared. */
export function countTruth(guest: GuestPages): PageCounts {
  let pagesRead = 0;
  let pagesWritten = 0;
  let pagesTouched = 0;
  for (const word of guest.truth) {
    if (word === 0) continue;
    const read = word & 0x55555555;
    const written = (word >>> 1) & 0x55555555;
    pagesRead += countBits(read);
    pagesWritten += countBits(written);
    pagesTouched += countBits(read | written);
  }
  return { pagesRead, pagesWritten, pagesTouched };
}

/** Starts a new observation of the truth. */
export function clearTruth(guest: GuestPages): void {
  guest.truth.fill(0);
}

/** Whether a page was written since the truth was cleared. */
export function wasWritten(guest: GuestPages, page: number): boolean {
  return ((guest.truth[page >>> 4]! >>> ((page & 15) * 2)) & 2) !== 0;
}

/** Whether a page was read, fetched or written since the truth was cleared. */
export function wasTouched(guest: GuestPages, page: number): boolean {
  return ((guest.truth[page >>> 4]! >>> ((page & 15) * 2)) & 3) !== 0;
}

/** Number of set bits in a word. */
export function countBits(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
