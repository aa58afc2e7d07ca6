/** The pages that a migration still has to send, and where in them it is. */
import { type Ept, forEachLeaf } from "../../hardware/ept.ts";
import type { Part, WordArray } from "../../hardware/part.ts";
import { clearMarks, DirtyBitmap, forEachMarked, markDirty } from "../dirtyBitmap.ts";

export class SendQueue implements Part {
  readonly name: string;
  readonly marks: DirtyBitmap;
  /** [0]: word of the bitmap where the next page is looked for. */
  readonly state = new Int32Array(1);

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
  return marks.state[0]!;
}

/** Queues every page that is mapped (the first round sends every entry of the p2m). */
export function queueMapped(queue: SendQueue, ept: Ept): void {
  forEachLeaf(ept, (_word, level, page) => {
    const size = 2 ** ((level - 1) * ept.geometry.indexBits);
    for (let i = 0; i < size; i++) markDirty(queue.marks, page + i);
  });
  queue.state[0] = 0;
}

/**
 * Adds the pages of a harvest. An empty queue starts again from the first page, as libxc does for each
 * bitmap; one with pages left goes on where it was, as QEMU does. Returns how many the harvest had.
 */
export function queueHarvest(queue: SendQueue, harvest: DirtyBitmap): number {
  if (queued(queue) === 0) queue.state[0] = 0;
  forEachMarked(harvest, (page) => markDirty(queue.marks, page));
  return harvest.state[0]!;
}

/** Forgets what waits. */
export function clearQueue(queue: SendQueue): void {
  clearMarks(queue.marks);
  queue.state[0] = 0;
}

/** Takes up to `count` pages out, ascending and then again from the first page; returns how many it found. */
export function takePages(queue: SendQueue, count: number, visit: (page: number) => void): number {
  const { bits, state } = queue.marks;
  const wanted = Math.min(count, queued(queue));
  let taken = 0;
  let word = queue.state[0]!;
  for (; taken < wanted; word++) {
    if (word >= bits.length) word = 0;
    let rest = bits[word]!;
    while (rest !== 0 && taken < wanted) {
      visit(word * 32 + 31 - Math.clz32(rest & -rest));
      rest &= rest - 1;
      taken++;
    }
    bits[word] = rest;
    if (rest !== 0) break;
  }
  queue.state[0] = word;
  state[0] = state[0]! - taken;
  return taken;
}
