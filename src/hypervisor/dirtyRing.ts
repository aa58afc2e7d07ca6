/**
 * KVM's dirty ring of one vCPU (virt/kvm/dirty_ring.c; api.rst 8.29). An entry's life: 00 unused, 01
 * dirty (pushed by the kernel), 1X harvested (by user space, in order), 00 again after a reset.
 */
import type { Part, WordArray } from "../hardware/part.ts";

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
  readonly state = new Int32Array(3);

  /**
   * @param pmlEntries entries of the PML log that may be drained into the ring at once, 0 without PML
   */
  constructor(name: string, size: number, pmlEntries: number, reserved = RING_RESERVED) {
    this.name = name;
    this.size = size;
    this.softLimit = size - (reserved + pmlEntries);
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
  pmlEntries: number,
  reserved = RING_RESERVED,
): "EINVAL" | "E2BIG" | null {
  if (entries < 1 || (entries & (entries - 1)) !== 0) return "EINVAL";
  // An entry has 16 bytes, and the ring at least one page.
  if (entries * 16 < 4096 || entries < reserved + pmlEntries) return "EINVAL";
  return entries > RING_MAX_ENTRIES ? "E2BIG" : null;
}

export function ringUsed({ state }: DirtyRing): number {
  return (state[DIRTY_INDEX]! - state[RESET_INDEX]!) | 0;
}

/** Whether the vCPU must return to user space before it runs again. */
export function ringSoftFull(ring: DirtyRing): boolean {
  return ringUsed(ring) >= ring.softLimit;
}

/** Pushes a page. The soft limit leaves room: a full ring is a fault of the caller. */
export function ringPush(ring: DirtyRing, page: number): void {
  if (ringUsed(ring) >= ring.size) throw new Error(`dirty ring ${ring.name} overruns`);
  const slot = ring.state[DIRTY_INDEX]! & (ring.size - 1);
  ring.pages[slot] = page;
  ring.flags[slot] = FLAG_DIRTY;
  ring.state[DIRTY_INDEX] = (ring.state[DIRTY_INDEX]! + 1) | 0;
}

/** User space: takes every dirty entry in order and marks it harvested. Returns how many. */
export function ringHarvest(ring: DirtyRing, visit: (page: number) => void): number {
  let harvested = 0;
  for (;;) {
    const slot = ring.state[FETCH_INDEX]! & (ring.size - 1);
    if (ring.flags[slot] !== FLAG_DIRTY) return harvested;
    visit(ring.pages[slot]!);
    ring.flags[slot] = FLAG_DIRTY | FLAG_HARVESTED;
    ring.state[FETCH_INDEX] = (ring.state[FETCH_INDEX]! + 1) | 0;
    harvested++;
  }
}

/**
 * The kernel's reset: harvested entries from the reset index to the first that is not. `rearm` gets
 * runs of neighbours within 64 pages, as a first page and a mask of pages from there. The caller
 * flushes the TLBs afterwards. Returns how many entries were reset.
 */
export function ringReset(
  ring: DirtyRing,
  rearm: (firstPage: number, low: number, high: number) => void,
): number {
  let reset = 0;
  let first = -1;
  let low = 0;
  let high = 0;
  const flush = (): void => {
    if (first >= 0) rearm(first, low, high);
  };
  for (;;) {
    const slot = ring.state[RESET_INDEX]! & (ring.size - 1);
    if ((ring.flags[slot]! & FLAG_HARVESTED) === 0) break;
    const page = ring.pages[slot]!;
    ring.flags[slot] = 0;
    ring.state[RESET_INDEX] = (ring.state[RESET_INDEX]! + 1) | 0;
    reset++;
    const distance = page - first;
    if (first < 0 || distance < 0 || distance > 63) {
      flush();
      [first, low, high] = [page, 1, 0];
    } else if (distance < 32) low |= 1 << distance;
    else high |= 1 << (distance - 32);
  }
  flush();
  return reset;
}
