/**
 * What devices write to a guest's memory. No vCPU's walk sees it: whoever emulates the device marks the pages, in every
 * technique, after the write (QEMU invalidate_and_set_dirty, Xen paging_mark_dirty, KVM mark_page_dirty_in_slot; beside a
 * dirty ring, where no vCPU runs, in the bitmap of KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP or in user space's own, and in no
 * ring). A technique that tells touched pages counts them as touched.
 */
import type { GuestPages } from "../hardware/guestPages.ts";
import { markDirty } from "./dirtyBitmap.ts";
import { ringPush, ringSoftFull } from "./dirtyRing.ts";
import type { Technique } from "./techniques/technique.ts";
import type { TrackedVm } from "./trackedVm.ts";

/** Bit of a write in the ground truth. */
const WRITTEN = 2;

/** A page has other bytes now: the ground truth. */
export function dmaWrote(page: number, { recent, versions }: GuestPages): void {
  const word = page >>> 4;
  recent[word] = (recent[word] ?? 0) | (WRITTEN << ((page & 15) << 1));
  if (page < versions.length) versions[page] = (versions[page] ?? 0) + 1;
}

/** Software marks a page that was written past the processor's walk. @param technique that is armed; null if none is */
export function markWritten(
  page: number,
  { dirty, touched }: TrackedVm,
  technique: Pick<Technique, "findsWritten" | "findsTouched"> | null,
): void {
  if (technique?.findsWritten === true) markDirty(dirty, page);
  if (technique?.findsTouched === true) markDirty(touched, page);
}

/**
 * The same by a vCPU's thread, which has that vCPU loaded: beside dirty rings it goes to the vCPU's own, once more for each
 * write (KVM mark_page_dirty_in_slot, kvm_dirty_ring_push). Whether that ring is at its limit now: the vCPU may not enter
 * before it is reset (kvm_dirty_ring_check_request, which vcpu_enter_guest asks once more behind its other requests).
 */
export function markByVcpu(
  pages: readonly number[],
  vm: TrackedVm,
  vcpu: number,
  technique: Pick<Technique, "findsWritten" | "findsTouched" | "usesRing"> | null,
): boolean {
  const ring = vm.vcpus.find((one) => one.vcpu === vcpu)?.ring;
  if (technique?.usesRing !== true || ring === undefined) {
    for (const page of pages) markWritten(page, vm, technique);
    return false;
  }
  for (const page of pages) ringPush(ring, page);
  return ringSoftFull(ring);
}

/** Both at once: what waits in an emulated machine that is looked at between two of its steps alone. */
export function deviceWrote(
  page: number,
  vm: TrackedVm,
  guest: GuestPages,
  technique: Pick<Technique, "findsWritten" | "findsTouched"> | null,
): void {
  dmaWrote(page, guest);
  markWritten(page, vm, technique);
}
