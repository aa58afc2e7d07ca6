/**
 * What is known about a VM's pages beside their EPT entries: the ground truth of which were read and
 * written, which no tracker may look at, and optionally a version of each page's contents.
 */
import type { Part, WordArray } from "./part.ts";
import { RoundTruth } from "./roundTruth.ts";
import type { TracedPaging } from "./tracedPaging.ts";
import type { WritesInFlight } from "./writesInFlight.ts";

/** Pages in one word of the truth: two bits each. */
const PAGES_PER_WORD = 16;

export class GuestPages implements Part {
  readonly name: string;
  /** Pages of guest-physical memory. */
  readonly pages: number;
  /** Two bits per page: read or fetched, written, in the present window; up to the last foldTruth. */
  readonly truth: Int32Array;
  /** The same since the last foldTruth: what accesses write to. The truth itself while nobody asks for rounds. */
  recent: Int32Array;
  /** The same since the tracker's present round began, and more; null while nobody asks. */
  round: RoundTruth | null = null;
  /** The same of all windows before it, since the truth was last cleared; empty in the first window. */
  earlier: Int32Array = new Int32Array(0);
  /** The guest's paging, if it is in its stream; null if it is in its memory, or there is none. */
  traced: TracedPaging | null = null;
  /** What its devices have written and nobody has marked yet; null: it has none whose writes are marked later. */
  inFlight: WritesInFlight | null = null;
  /** Increments on each write; empty when contents are not kept. */
  readonly versions: Int32Array;

  constructor(name: string, pages: number, keepVersions: boolean) {
    this.name = name;
    this.pages = pages;
    this.truth = new Int32Array(Math.ceil(pages / PAGES_PER_WORD) || 1);
    this.recent = this.truth;
    this.versions = new Int32Array(keepVersions ? pages : 0);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    foldTruth(this);
    return { truth: this.truth, earlier: this.earlier, versions: this.versions };
  }

  resize(lengths: Readonly<Record<string, number>>): void {
    if (lengths["earlier"] !== this.earlier.length) {
      this.earlier = new Int32Array(lengths["earlier"] ?? 0);
    }
  }
}

/** From now on rounds are told apart. To be called before the first access. */
export function tellRoundsApart(guest: GuestPages): RoundTruth {
  guest.recent = new Int32Array(guest.truth.length);
  guest.round = new RoundTruth(`${guest.name}/round`, guest.pages);
  return guest.round;
}

/** The accesses since the last time enter the truth, and the truth of the round. */
export function foldTruth({ truth, recent, round }: GuestPages): void {
  if (round === null) return;
  const { accesses } = round;
  for (let i = 0; i < recent.length; i++) {
    const word = recent[i]!;
    if (word === 0) continue;
    truth[i] = truth[i]! | word;
    if (i < accesses.length) accesses[i] = accesses[i]! | word;
    recent[i] = 0;
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
  foldTruth(guest);
  const { truth, earlier } = guest;
  for (let i = 0; i < truth.length; i++) {
    const word = truth[i]! | (earlier[i] ?? 0);
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
  foldTruth(guest);
  guest.truth.fill(0);
  guest.earlier.fill(0);
}

/** Begins a new window of the truth; what was known before stays known. */
export function beginWindow(guest: GuestPages): void {
  foldTruth(guest);
  if (guest.earlier.length === 0) guest.earlier = new Int32Array(guest.truth.length);
  const { truth, earlier } = guest;
  for (let i = 0; i < truth.length; i++) earlier[i] = earlier[i]! | truth[i]!;
  truth.fill(0);
}

/** Distinct pages in words of two bits a page. */
export function countTouched(words: Int32Array): number {
  let pages = 0;
  for (const word of words) if (word !== 0) pages += countBits((word | (word >>> 1)) & 0x55555555);
  return pages;
}

/** The two bits of a page since the truth was cleared. */
export function truthOf({ truth, recent, earlier }: GuestPages, page: number): number {
  const at = page >>> 4;
  return ((truth[at]! | recent[at]! | (earlier[at] ?? 0)) >>> ((page & 15) * 2)) & 3;
}

/** Whether a page was written since the truth was cleared. */
export function wasWritten(guest: GuestPages, page: number): boolean {
  return (truthOf(guest, page) & 2) !== 0;
}

/** Whether a page was read, fetched or written since the truth was cleared. */
export function wasTouched(guest: GuestPages, page: number): boolean {
  return truthOf(guest, page) !== 0;
}

/** Number of set bits in a word. */
export function countBits(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
