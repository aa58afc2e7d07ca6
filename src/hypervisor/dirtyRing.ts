/**
 * KVM's dirty ring of one vCPU (virt/kvm/dirty_ring.c; api.rst 8.29). An entry's life: 00 unused, 01
 * dirty (pushed by the kernel), 1X harvested (by user space, in order), 00 again after a reset.
 */

import { type NormalForm, numberedNames, SCRAMBLED } from "../hardware/normalForm.ts";
import type { Part, WordArray } from "../hardware/part.ts";
import { fieldOf, wordAt, words } from "../lookup.ts";

const FLAG_DIRTY = 1;
const FLAG_HARVESTED = 2;
/** Entries kept free for pushes that no exit precedes (KVM_DIRTY_RING_RSVD_ENTRIES). */
export const RING_RESERVED = 64;
/** KVM_DIRTY_RING_MAX_ENTRIES. */
export const RING_MAX_ENTRIES = 65536;

/** Fields of DirtyRing.state: free-running indexes, as in struct kvm_dirty_ring. */
const DIRTY_INDEX = 0;
const RESET_INDEX = 1;
const FETCH_INDEX = 2;

export class DirtyRing implements Part {
  readonly name: string;
  /** A power of two. */
  readonly size: number;
  /** Used entries at which the vCPU may not run on. */
  readonly softLimit: number;
  readonly pages: Int32Array;
  readonly flags: Int32Array;
  readonly state = words(3);

  /**
   * @param logEntries entries of the log that may be drained into the ring at once, 0 without a log
   */
  constructor(name: string, size: number, logEntries: number, reserved = RING_RESERVED) {
    this.name = name;
    this.size = size;
    this.softLimit = size - (reserved + logEntries);
    this.pages = new Int32Array(size);
    this.flags = new Int32Array(size);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { pages: this.pages, flags: this.flags, state: this.state };
  }
}

/** Why a ring of a size cannot be: KVM's errno, or null (kvm_vm_ioctl_enable_dirty_log_ring). */
export function checkRingSize(
  entries: number,
  logEntries: number,
  reserved = RING_RESERVED,
): "EINVAL" | "E2BIG" | null {
  // Who gives a size in bytes may have none of whole entries.
  if (entries < 1 || !Number.isInteger(Math.log2(entries))) return "EINVAL";
  // An entry has 16 bytes, and the ring at least one page.
  if (entries * 16 < 4096 || entries < reserved + logEntries) return "EINVAL";
  return entries > RING_MAX_ENTRIES ? "E2BIG" : null;
}

/** Pages that one call of the reset covers: a mask of 64 bits. */
const RUN_PAGES = 64;

export function ringUsed({ state }: DirtyRing): number {
  return (state[DIRTY_INDEX] - state[RESET_INDEX]) | 0;
}

/** Whether the vCPU must return to user space before it runs again. */
export function ringSoftFull(ring: DirtyRing): boolean {
  return ringUsed(ring) >= ring.softLimit;
}

/** Pushes a page. The soft limit leaves room: a full ring is a fault of the caller. */
export function ringPush(ring: DirtyRing, page: number): void {
  if (ringUsed(ring) >= ring.size) throw new Error(`dirty ring ${ring.name} overruns`);
  const slot = ring.state[DIRTY_INDEX] & (ring.size - 1);
  ring.pages[slot] = page;
  ring.flags[slot] = FLAG_DIRTY;
  ring.state[DIRTY_INDEX] = (ring.state[DIRTY_INDEX] + 1) | 0;
}

/** User space: takes every dirty entry, or as many as it likes, in order and marks it harvested. Returns how many. */
export function ringHarvest(
  ring: DirtyRing,
  visit: (page: number) => void,
  most = Number.POSITIVE_INFINITY,
): number {
  let harvested = 0;
  for (;;) {
    const slot = ring.state[FETCH_INDEX] & (ring.size - 1);
    if (harvested === most || ring.flags[slot] !== FLAG_DIRTY) return harvested;
    visit(wordAt(ring.pages, slot));
    ring.flags[slot] = FLAG_DIRTY | FLAG_HARVESTED;
    ring.state[FETCH_INDEX] = (ring.state[FETCH_INDEX] + 1) | 0;
    harvested++;
  }
}

/**
 * The kernel's reset (KVM kvm_dirty_ring_reset): harvested entries from the reset index to the first that
 * is not. `rearm` gets runs of neighbours within 64 pages, in either direction, as the lowest page and a
 * mask of pages from there. The caller flushes the TLBs afterwards. Returns how many entries were reset.
 */
export function ringReset(
  ring: DirtyRing,
  rearm: (firstPage: number, low: number, high: number) => void,
): number {
  let reset = 0;
  let first = -1;
  let last = -1;
  let low = 0;
  let high = 0;
  for (;;) {
    const slot = ring.state[RESET_INDEX] & (ring.size - 1);
    if ((wordAt(ring.flags, slot) & FLAG_HARVESTED) === 0) break;
    const page = wordAt(ring.pages, slot);
    ring.flags[slot] = 0;
    ring.state[RESET_INDEX] = (ring.state[RESET_INDEX] + 1) | 0;
    reset++;
    if (first < 0 || page - first >= RUN_PAGES || last - page >= RUN_PAGES) {
      if (first >= 0) rearm(first, low, high);
      [first, last, low, high] = [page, page, 1, 0];
      continue;
    }
    if (page < first) {
      const shift = first - page;
      high = shift < 32 ? (high << shift) | (low >>> (32 - shift)) : low << (shift - 32);
      low = shift < 32 ? low << shift : 0;
      first = page;
    }
    last = Math.max(last, page);
    const distance = page - first;
    if (distance < 32) low |= 1 << distance;
    else high |= 1 << (distance - 32);
  }
  if (first >= 0) rearm(first, low, high);
  return reset;
}

/** In the order of DirtyRing.state. */
const RING_INDEXES = ["the dirty index", "the reset index", "the fetch index"];

/** Those of a VM's vCPUs, with indexes counted from the last multiple of the ring's size. */
export function ringsForm(
  rings: readonly DirtyRing[],
  vcpus: readonly number[],
  vm: number,
): NormalForm {
  return {
    extents: rings.flatMap((part, i) => {
      const of = `the dirty ring of vCPU ${vcpus[i]}`;
      return [
        { part, array: "state", nameOf: (at: number) => `${RING_INDEXES[at]} of ${of}` },
        { part, array: "pages", nameOf: numberedNames("the page in entry", of) },
        { part, array: "flags", nameOf: numberedNames("the flags of entry", of) },
      ];
    }),
    lists: rings.flatMap((_, i) => ["state", "flags", "pages"].map((list) => `${list}${i}`)),
    save() {
      const lists: Record<string, number[]> = {};
      rings.forEach(({ state, pages, flags, size }, i) => {
        const base = size === 0 ? 0 : state[RESET_INDEX] - (state[RESET_INDEX] & (size - 1));
        lists[`state${i}`] = Array.from(state, (index) => index - base);
        lists[`flags${i}`] = Array.from(flags);
        lists[`pages${i}`] = Array.from(pages, (page, at) => (flags[at] === 0 ? 0 : page));
      });
      return lists;
    },
    restore(lists) {
      rings.forEach((ring, i) => {
        ring.state.set(fieldOf(lists, `state${i}`));
        ring.flags.set(fieldOf(lists, `flags${i}`));
        ring.pages.set(fieldOf(lists, `pages${i}`));
      });
    },
    scramble() {
      // Free-running indexes, some rounds later; and what unused entries are left with.
      for (const { state, flags, pages, size } of rings) {
        state.forEach((index, at, all) => {
          all[at] = index + SCRAMBLED * size;
        });
        flags.forEach((flag, at) => {
          if (flag === 0) pages[at] = SCRAMBLED;
        });
      }
    },
    renumber(lists, { page, vcpu }) {
      const renumbered: Record<string, readonly number[]> = {};
      vcpus.forEach((own, i) => {
        const to = vcpus.indexOf(vcpu(own));
        const flags = fieldOf(lists, `flags${i}`);
        renumbered[`state${to}`] = fieldOf(lists, `state${i}`);
        renumbered[`flags${to}`] = flags;
        renumbered[`pages${to}`] = fieldOf(lists, `pages${i}`).map((logged, at) =>
          flags[at] === 0 ? logged : page(vm, logged),
        );
      });
      return renumbered;
    },
  };
}
