/**
 * Scanning accessed and dirty flags: nothing exits; the scan of the whole table is work in the pVM, and
 * the guest pays with TLB refills after each flush (kvm clear_dirty_pt_masked; idle page tracking).
 */
import { forEachLeaf } from "../../hardware/ept.ts";
import { EPT_ACCESSED, EPT_DIRTY } from "../../hardware/eptEntry.ts";
import { markDirty } from "../dirtyBitmap.ts";
import { disarmAll, ORDINARY_LEAF, splitAll } from "../logDirty.ts";
import type { TrackedVm } from "../trackedVm.ts";
import { setAccessedDirty } from "./logControls.ts";
import { NOT_OURS, type Technique } from "./technique.ts";

function clearFlags(vm: TrackedVm): number {
  const { words } = vm.ept.memory;
  let leaves = 0;
  forEachLeaf(vm.ept, (word) => {
    words[word] = words[word]! & ~(EPT_ACCESSED | EPT_DIRTY);
    leaves++;
  });
  return leaves;
}

export const accessedDirtyScan: Technique = {
  name: "accessedDirtyScan",
  findsWritten: true,
  findsTouched: true,
  unit: () => "none",
  arm(vm) {
    // A large leaf has one D for all its pages: KVM splits eagerly where it relies on flags.
    const split = splitAll(vm.ept);
    setAccessedDirty(vm, true);
    return clearFlags(vm) * vm.costs.protectPage + split * vm.costs.splitHandler;
  },
  collect(vm) {
    const { words } = vm.ept.memory;
    let leaves = 0;
    forEachLeaf(vm.ept, (word, _level, page) => {
      const low = words[word]!;
      leaves++;
      if ((low & EPT_ACCESSED) !== 0) markDirty(vm.touched, page);
      if ((low & EPT_DIRTY) !== 0) markDirty(vm.dirty, page);
    });
    return leaves * vm.costs.protectPage;
  },
  rearm: (vm) => clearFlags(vm) * vm.costs.protectPage,
  disarm(vm) {
    setAccessedDirty(vm, false);
    return disarmAll(vm.ept) * vm.costs.protectPage;
  },
  serveLogFull: () => NOT_OURS,
  serveViolation: () => NOT_OURS,
  // The flags go with the leaf.
  pageTaken(vm, page, low) {
    if ((low & EPT_ACCESSED) !== 0) markDirty(vm.touched, page);
    if ((low & EPT_DIRTY) !== 0) markDirty(vm.dirty, page);
  },
  pageReturned: () => ORDINARY_LEAF & ~(EPT_ACCESSED | EPT_DIRTY),
};
