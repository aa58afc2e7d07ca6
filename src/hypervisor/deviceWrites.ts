/**
 * What devices write to a guest's memory. No vCPU's walk sees it: whoever emulates the device marks the pages, in every
 * technique, at the moment of the write (QEMU invalidate_and_set_dirty, Xen paging_mark_dirty, KVM
 * mark_page_dirty_in_slot; beside a dirty ring in the bitmap of KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP). A technique that tells touched pages counts them as touched.
 */
import type { GuestPages } from "../hardware/guestPages.ts";
import { markDirty } from "./dirtyBitmap.ts";
import type { Technique } from "./techniques/technique.ts";
import type { TrackedVm } from "./trackedVm.ts";

/** Bit of a write in the ground truth. */
const WRITTEN = 2;

/** @param technique that is armed; null if none is */
export function deviceWrote(
  page: number,
  vm: TrackedVm,
  { recent, versions }: GuestPages,
  technique: Pick<Technique, "findsWritten" | "findsTouched"> | null,
): void {
  const word = page >>> 4;
  recent[word] = (recent[word] ?? 0) | (WRITTEN << ((page & 15) << 1));
  if (page < versions.length) versions[page] = (versions[page] ?? 0) + 1;
  if (technique?.findsWritten === true) markDirty(vm.dirty, page);
  if (technique?.findsTouched === true) markDirty(vm.touched, page);
}
