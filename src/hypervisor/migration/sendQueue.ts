/** The pages that a migration still has to send, and where in them it is. */

import { forEachLeaf } from "../../hardware/ept.ts";
import type { Part, WordArray } from "../../hardware/part.ts";
import { wordAt, words } from "../../lookup.ts";
import {
  clearMarks,
  countMarked,
  DirtyBitmap,
  forEachMarked,
  MARKED_PAGES,
  markDirty,
} from "../dirtyBitmap.ts";
import type { TrackedVm } from "../trackedVm.ts";

/** The one word of the state: the bitmap's word where the next page is looked for. */
const CURSOR = 0;

export class SendQueue implements Part {
  readonly byPageNumber = ["bits", "count", "cursor"];
  readonly name: string;
  readonly marks: DirtyBitmap;
  readonly state = words(1);

  constructor(name: string, pages: number) {
    this.name = name;
    this.marks = new DirtyBitmap(name, pages);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { bits, state } = this.marks;
    return { bits, count: state, cursor: this.state };
  }

  resize(lengths: Readonly<Record<string, number>>): void {
    this.marks.resize(lengths);
  }
}

/** Pages waiting. */
export function queued({ marks }: SendQueue): number {
  return countMarked(marks);
}

/**
 * Queues every page that is mapped (the first round sends every entry of the p2m); of memory slots, which are mapped when
 * they are touched, every page.
 */
export function queueMapped(
  queue: SendQueue,
  { ept, slots }: Pick<TrackedVm, "ept" | "slots">,
): void {
  for (const { firstPage, pages } of slots?.kvm.inOrder ?? []) {
    for (let i = 0; i < pages; i++) markDirty(queue.marks, firstPage + i);
  }
  forEachLeaf(ept, (_word, level, page) => {
    const size = 2 ** ((level - 1) * ept.geometry.indexBits);
    for (let i = 0; i < size; i++) markDirty(queue.marks, page + i);
  });
  queue.state[CURSOR] = 0;
}

/**
 * Adds the pages of a harvest. An empty queue starts again from the first page, as libxc does for each
 * bitmap; one with pages left goes on where it was, as QEMU does. Returns how many the harvest had.
 */
export function queueHarvest(queue: SendQueue, harvest: DirtyBitmap): number {
  if (queued(queue) === 0) queue.state[CURSOR] = 0;
  forEachMarked(harvest, (page) => markDirty(queue.marks, page));
  return countMarked(harvest);
}

/** Forgets what waits. */
export function clearQueue(queue: SendQueue): void {
  clearMarks(queue.marks);
  queue.state[CURSOR] = 0;
}

/** Takes up to `count` pages out, ascending and then again from the first page; returns how many it found. */
export function takePages(queue: SendQueue, count: number, visit: (page: number) => void): number {
  const { bits, state } = queue.marks;
  const wanted = Math.min(count, queued(queue));
  let taken = 0;
  let word = queue.state[CURSOR];
  for (; taken < wanted; word++) {
    if (word >= bits.length) word = 0;
    let rest = wordAt(bits, word);
    while (rest !== 0 && taken < wanted) {
      visit(word * 32 + 31 - Math.clz32(rest & -rest));
      rest &= rest - 1;
      taken++;
    }
    bits[word] = rest;
    if (rest !== 0) break;
  }
  queue.state[CURSOR] = word;
  state[MARKED_PAGES] -= taken;
  return taken;
}
