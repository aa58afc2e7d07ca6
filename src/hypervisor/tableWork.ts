/**
 * Work on a whole table, or on a whole bitmap, that is done in pieces: between two of them the CPUs that run the guest,
 * and interrupts, have their turn. Xen asks hypercall_preempt_check in paging_log_dirty_op, notes where it is in
 * log_dirty.preempt, and goes on by a continuation (xen/arch/x86/mm/paging.c); KVM gives up its lock in the middle of a
 * walk (tdp_mmu_iter_cond_resched in arch/x86/kvm/mmu/tdp_mmu.c). The whole is one piece.
 *
 * Where a piece ends is a page number: entries before it are done, and are not looked at again, whatever a guest or an exit
 * handler does to them; those from it on are read anew. So it holds also where a large leaf has been split meanwhile.
 */

import { type Ept, forEachLeafFrom } from "../hardware/ept.ts";
import { type NormalForm, SCRAMBLED } from "../hardware/normalForm.ts";
import type { Part, WordArray } from "../hardware/part.ts";
import { fieldOf, itemAt, numbers } from "../lookup.ts";
import { type DirtyBitmap, nextMarked } from "./dirtyBitmap.ts";

/** What a tracker does in pieces. */
export const Work = { none: 0, arm: 1, harvest: 2, disarm: 3 } as const;
export type Work = (typeof Work)[keyof typeof Work];
const WORKS: readonly Work[] = Object.values(Work);

/** Words of the state. */
const At = {
  work: 0,
  /** The first page of the piece. */
  from: 1,
  /** Cycles of the pieces so far. */
  cycles: 2,
  /** An entry that was read for the next piece: where it is, 0 = none, and its low word. See trackedVm.ts, tornEntries. */
  heldAt: 3,
  held: 4,
} as const;

/** The part of a walk that is one piece. */
export interface Walk {
  /** Its first page. */
  readonly from: number;
  /** Entries in it, at most. */
  readonly most: number;
  /** Said by the walk: the first page of the next piece, -1 = there is none. */
  next: number;
}

/** A walk that is not interrupted. */
export function wholeWalk(): Walk {
  return { from: 0, most: Number.POSITIVE_INFINITY, next: -1 };
}

export class TableWork implements Part, Walk {
  readonly name: string;
  readonly #most: number;
  readonly state = numbers(5);
  next = -1;

  /** @param most entries in a piece; 0: the whole is one */
  constructor(name: string, most = 0) {
    this.name = name;
    this.#most = most > 0 ? most : Number.POSITIVE_INFINITY;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { state: this.state };
  }

  get work(): Work {
    return itemAt(WORKS, this.state[At.work]);
  }

  /** What is nobody's work, such as a harvest that only looks, is not divided. */
  get most(): number {
    return this.work === Work.none ? Number.POSITIVE_INFINITY : this.#most;
  }

  get from(): number {
    return this.state[At.from];
  }

  /** Whether the present piece is the first. */
  get begins(): boolean {
    return this.from === 0;
  }

  /** Cycles of all pieces so far. */
  get cycles(): number {
    return this.state[At.cycles];
  }

  begin(work: Work): void {
    this.state.fill(0);
    this.state[At.work] = work;
    this.next = -1;
  }

  /** A piece is done. Returns whether it was the last. */
  endPiece(cycles: number): boolean {
    const { state, next } = this;
    state[At.cycles] = this.cycles + cycles;
    state[At.from] = Math.max(next, 0);
    this.next = -1;
    return next < 0;
  }

  end(): void {
    this.state.fill(0);
  }

  /** Keeps an entry as it is now for the next piece. */
  hold(word: number, low: number): void {
    this.state[At.heldAt] = word;
    this.state[At.held] = low;
  }

  /** What was kept of an entry, or what it is now. */
  heldOr(word: number, now: number): number {
    return this.state[At.heldAt] === word ? this.state[At.held] : now;
  }

  /** Nothing is kept any more. */
  release(): void {
    this.hold(0, 0);
  }
}

/** Visits the leaves of a piece. */
export function walkLeaves(
  walk: Walk,
  ept: Ept,
  visit: (word: number, level: number, page: number) => void,
): void {
  walk.next = forEachLeafFrom(ept, walk.from, walk.most, visit);
}

/** Visits the marked pages of a piece. */
export function walkMarks(walk: Walk, bitmap: DirtyBitmap, visit: (page: number) => void): void {
  let page = nextMarked(bitmap, walk.from);
  for (let left = walk.most; page >= 0 && left > 0; left--) {
    visit(page);
    page = nextMarked(bitmap, page + 1);
  }
  walk.next = page;
}

/** Pages are not alike where work is done in pieces: only idle work can be renumbered. */
export function workForm(work: TableWork, vm: number): NormalForm {
  const { state } = work;
  return {
    extents: [{ part: work, array: "state", nameOf: () => `the work on the table of VM ${vm}` }],
    lists: ["work"],
    // Of the cycles only their sum is told, which is a statistic.
    save: () => ({ work: Array.from(state, (word, at) => (at === At.cycles ? 0 : word)) }),
    restore(words) {
      state.set(fieldOf(words, "work"));
    },
    scramble() {
      state[At.cycles] = SCRAMBLED;
    },
    renumber: (words) => words,
  };
}
