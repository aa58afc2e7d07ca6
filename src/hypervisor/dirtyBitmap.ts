/** The log-dirty bitmap of a VM: one bit per guest-physical page, and the number of set bits. */

import { type NormalForm, pageBitNames, renumberedBits } from "../hardware/normalForm.ts";
import type { Part, WordArray } from "../hardware/part.ts";
import { wordAt, words } from "../lookup.ts";

/** The one word of the state: pages that are set (Xen's dirty_count). */
export const MARKED_PAGES = 0;

const WHOLE = ["bits", "state"];

/** Like Xen's bitmap, it takes no memory before the first bit is set. */
export class DirtyBitmap implements Part {
  readonly name: string;
  /** Pages of the VM: none beyond can be marked. */
  readonly pages: number;
  /** Empty until the first mark. */
  bits: Int32Array = new Int32Array(0);
  readonly state = words(1);
  readonly statistics: readonly string[];
  readonly settings: readonly string[];

  /** @param use what it is if nobody has it as state (Part.statistics, Part.settings) */
  constructor(name: string, pages: number, use?: "statistics" | "settings") {
    this.name = name;
    this.pages = pages;
    this.statistics = use === "statistics" ? WHOLE : [];
    this.settings = use === "settings" ? WHOLE : [];
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { bits: this.bits, state: this.state };
  }

  resize(lengths: Readonly<Record<string, number>>): void {
    if (lengths["bits"] !== this.bits.length) this.bits = new Int32Array(lengths["bits"] ?? 0);
  }
}

/** Marks a page. Pages beyond the VM are ignored. Returns whether it was clean before. */
export function markDirty(bitmap: DirtyBitmap, page: number): boolean {
  if (page >>> 0 >= bitmap.pages) return false;
  if (bitmap.bits.length === 0) bitmap.bits = new Int32Array(Math.ceil(bitmap.pages / 32));
  const word = page >>> 5;
  const bit = 1 << (page & 31);
  const before = wordAt(bitmap.bits, word);
  if ((before & bit) !== 0) return false;
  bitmap.bits[word] = before | bit;
  bitmap.state[MARKED_PAGES] += 1;
  return true;
}

export function isMarked(bitmap: DirtyBitmap, page: number): boolean {
  return ((bitmap.bits[page >>> 5] ?? 0) & (1 << (page & 31))) !== 0;
}

/** Number of marked pages. */
export function countMarked(bitmap: DirtyBitmap): number {
  return bitmap.state[MARKED_PAGES];
}

/** Calls `visit` for each marked page, ascending. */
export function forEachMarked(
  { bits }: Pick<DirtyBitmap, "bits">,
  visit: (page: number) => void,
): void {
  for (let word = 0; word < bits.length; word++) {
    for (let rest = wordAt(bits, word); rest !== 0; rest &= rest - 1) {
      visit(word * 32 + 31 - Math.clz32(rest & -rest));
    }
  }
}

/** The first marked page from `from` on, or -1. */
export function nextMarked({ bits }: DirtyBitmap, from: number): number {
  let mask = -1 << (from & 31);
  for (let word = from >>> 5; word < bits.length; word++, mask = -1) {
    const rest = wordAt(bits, word) & mask;
    if (rest !== 0) return word * 32 + 31 - Math.clz32(rest & -rest);
  }
  return -1;
}

/** Takes a page's mark away, if it has one. */
export function clearMark(bitmap: DirtyBitmap, page: number): void {
  if (!isMarked(bitmap, page)) return;
  const word = page >>> 5;
  bitmap.bits[word] = wordAt(bitmap.bits, word) & ~(1 << (page & 31));
  bitmap.state[MARKED_PAGES] -= 1;
}

export function clearMarks(bitmap: DirtyBitmap): void {
  bitmap.bits.fill(0);
  bitmap.state[MARKED_PAGES] = 0;
}

/** Marks in `to` what `from` has. */
export function addAll(from: DirtyBitmap, to: DirtyBitmap): void {
  forEachMarked(from, (page) => markDirty(to, page));
}

/** Marks from page `from` up to `end` go over. */
/** @param list that holds its bits. @param what such as "the dirty bitmap" */
export function bitmapForm(
  bitmap: DirtyBitmap,
  list: string,
  what: string,
  vm: number,
): NormalForm {
  const { pages, state } = bitmap;
  const name = `${what} of VM ${vm}`;
  return {
    extents: [
      { part: bitmap, array: "bits", nameOf: pageBitNames(name, 1) },
      { part: bitmap, array: "state", nameOf: () => `how many pages ${name} has` },
    ],
    lists: [list],
    // One that was never set, and one that is clear, are the same.
    save: () => ({ [list]: state[MARKED_PAGES] === 0 ? [] : Array.from(bitmap.bits) }),
    restore({ [list]: bits = [] }) {
      bitmap.bits = new Int32Array(Math.ceil(pages / 32));
      bitmap.bits.set(bits);
      state[MARKED_PAGES] = 0;
      forEachMarked(bitmap, () => {
        state[MARKED_PAGES] += 1;
      });
    },
    scramble() {
      // As before the first mark.
      if (state[MARKED_PAGES] === 0) bitmap.bits = new Int32Array(0);
    },
    renumber: ({ [list]: bits = [] }, { page }) => ({
      [list]: renumberedBits(bits, 1, pages, (own) => page(vm, own)),
    }),
  };
}
