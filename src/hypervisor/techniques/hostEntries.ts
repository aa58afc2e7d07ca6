/**
 * What is found in the host's own page tables, those of the VMM's process. KVM maps no more than they allow: when the
 * kernel takes rights there it tells KVM, which drops its entries of that range (mmu_notifier_invalidate_range_start,
 * kvm_unmap_gfn_range). So the guest's next access of each page exits, a read too; that maps the page as the host does, for
 * reading alone (hva_to_pfn), and the first write exits again, and faults in the host.
 */
import {
  attributesAt,
  clearAttributes,
  findLeaf,
  ordinaryLeaf,
  setAttributes,
} from "../../hardware/ept.ts";
import { markDirty } from "../dirtyBitmap.ts";
import { splitAll } from "../logDirty.ts";
import { walkLeaves, walkMarks } from "../tableWork.ts";
import type { TrackedVm } from "../trackedVm.ts";
import { type ExitWork, NOT_OURS } from "./technique.ts";

/** KVM drops the entries of a piece; large pages are split (uffd-wp: __split_huge_pmd). Returns the cycles. */
export function dropAll(vm: TrackedVm, pageCycles: number): number {
  const split = splitAll(vm.ept, vm.work);
  const { allRights } = vm.ept.format;
  let leaves = 0;
  walkLeaves(vm.work, vm.ept, (word) => {
    clearAttributes(vm.ept, word, allRights);
    leaves++;
  });
  return leaves * (vm.costs.protectPage + pageCycles) + split * vm.costs.splitHandler;
}

/** The same of the pages that a harvest takes. */
export function dropTaken(vm: TrackedVm, pageCycles: number): number {
  const { allRights } = vm.ept.format;
  let pages = 0;
  walkMarks(vm.work, vm.dirty, (page) => {
    const leaf = findLeaf(vm.ept, page);
    if (leaf !== null) clearAttributes(vm.ept, leaf.word, allRights);
    pages++;
  });
  return pages * (vm.costs.protectPage + pageCycles);
}

/** How many leaves a walk of the host's entries meets, in a piece. */
export function countLeaves(vm: TrackedVm): number {
  let leaves = 0;
  walkLeaves(vm.work, vm.ept, () => {
    leaves++;
  });
  return leaves;
}

/** All rights are back: the last round has been collected. */
export function restoreAll(vm: TrackedVm): number {
  const { allRights, accessed, dirty } = vm.ept.format;
  let leaves = 0;
  walkLeaves(vm.work, vm.ept, (word) => {
    setAttributes(vm.ept, word, allRights | accessed | dirty);
    leaves++;
  });
  return leaves * vm.costs.protectPage;
}

/** An access to an entry that was dropped, or a write to a page that the host maps for reading alone. */
export function serveDropped(
  vm: TrackedVm,
  page: number,
  write: boolean,
  writeCycles: number,
): ExitWork {
  const leaf = findLeaf(vm.ept, page);
  if (leaf === null) return NOT_OURS;
  const { allRights, accessed, dirty, write: mayWrite, present } = vm.ept.format;
  const rights = attributesAt(vm.ept, leaf.word);
  const { violationHandler } = vm.costs;
  if (!write) {
    if ((rights & present) !== 0) return NOT_OURS;
    setAttributes(vm.ept, leaf.word, (allRights & ~mayWrite) | accessed);
    return { fix: "granted", cycles: violationHandler, ringFull: false };
  }
  // Another CPU may have been here first: then the access just retries.
  const isFirst = (rights & mayWrite) === 0;
  if (isFirst) markDirty(vm.dirty, page);
  setAttributes(vm.ept, leaf.word, allRights | accessed | dirty);
  const cycles = violationHandler + (isFirst ? writeCycles : 0);
  return { fix: "granted", cycles, ringFull: false };
}

/** A page that comes back from swap has its mark still (pte_swp_uffd_wp, pte_swp_soft_dirty): its first write is found again. */
export function returnedLeaf({ ept: { format } }: TrackedVm): number {
  return ordinaryLeaf(format) & ~format.write;
}
