/**
 * Present-bit invalidation: every entry loses R, W and X, and the first access to each page takes an
 * EPT violation. It tells touched pages, not written ones: after the first access all rights are back.
 */
import { findLeaf, forEachLeaf } from "../../hardware/ept.ts";
import { EPT_ACCESSED, EPT_DIRTY, EPT_RWX } from "../../hardware/eptEntry.ts";
import { forEachMarked, markDirty } from "../dirtyBitmap.ts";
import { splitAll } from "../logDirty.ts";
import type { TrackedVm } from "../trackedVm.ts";
import { NOT_OURS, type Technique } from "./technique.ts";

function setRights(vm: TrackedVm, page: number, rights: number): boolean {
  const leaf = findLeaf(vm.ept, page);
  if (leaf === null) return false;
  const { words } = vm.ept.memory;
  words[leaf.word] = (words[leaf.word]! & ~EPT_RWX) | rights;
  return true;
}

export const presentBit: Technique = {
  name: "presentBit",
  findsWritten: false,
  findsTouched: true,
  unit: () => "none",
  arm(vm) {
    // Rights are taken page by page, so large leaves are split first.
    const split = splitAll(vm.ept);
    let leaves = 0;
    const { words } = vm.ept.memory;
    forEachLeaf(vm.ept, (word) => {
      words[word] = words[word]! & ~EPT_RWX;
      leaves++;
    });
    return leaves * vm.costs.protectPage + split * vm.costs.splitHandler;
  },
  collect: () => 0,
  rearm(vm) {
    let pages = 0;
    forEachMarked(vm.touched, (page) => {
      setRights(vm, page, 0);
      pages++;
    });
    return pages * vm.costs.protectPage;
  },
  disarm(vm) {
    let leaves = 0;
    const { words } = vm.ept.memory;
    forEachLeaf(vm.ept, (word) => {
      words[word] = words[word]! | EPT_RWX | EPT_ACCESSED | EPT_DIRTY;
      leaves++;
    });
    return leaves * vm.costs.protectPage;
  },
  serveLogFull: () => NOT_OURS,
  serveViolation(vm, _vcpu, page) {
    if (!setRights(vm, page, EPT_RWX)) return NOT_OURS;
    markDirty(vm.touched, page);
    return { fix: "granted", cycles: vm.costs.violationHandler, ringFull: false };
  },
};
