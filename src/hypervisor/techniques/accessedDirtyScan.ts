/**
 * Scanning accessed and dirty flags: where walks set them nothing exits; the scan of the whole table is work in the pVM, and
 * the guest pays with TLB refills after each flush (kvm clear_dirty_pt_masked; idle page tracking). Where software sets them
 * (RISC-V Svade), the first access and the first write to a page in a round exit.
 */

import { findLeaf } from "../../hardware/ept.ts";
import { wordAt } from "../../lookup.ts";
import { markDirty } from "../dirtyBitmap.ts";
import { disarmAll, splitAll } from "../logDirty.ts";
import { walkLeaves } from "../tableWork.ts";
import type { TrackedVm } from "../trackedVm.ts";
import { setAccessedDirty } from "./logControls.ts";
import { NOT_OURS, type Technique } from "./technique.ts";

function clearFlags(vm: TrackedVm): number {
  const { words } = vm.ept.memory;
  const { accessed, dirty } = vm.ept.format;
  let leaves = 0;
  walkLeaves(vm.work, vm.ept, (word) => {
    words[word] = vm.work.heldOr(word, wordAt(words, word)) & ~(accessed | dirty);
    leaves++;
  });
  return leaves;
}

/** The fault tornEntries: the first entry of the next piece is read now, and what is written then is made of that. */
function readAhead({ work, ept, faults }: TrackedVm): void {
  work.release();
  const leaf = work.next < 0 ? null : findLeaf(ept, work.next);
  if (leaf === null || !faults.includes("tornEntries")) return;
  work.hold(leaf.word, wordAt(ept.memory.words, leaf.word));
}

export const accessedDirtyScan = {
  name: "accessedDirtyScan",
  finds: "touched and written pages",
  costs: "TLB refills; the scan runs in the pVM",
  findsWritten: true,
  findsTouched: true,
  toldBy: "flags",
  exits: false,
  armsEntries: true,
  faults: ["tornEntries"],
  model: { pages: 3, logEntries: 1, reads: 1 },
  unit: () => "none",
  arm(vm) {
    // A large leaf has one D for all its pages: KVM splits eagerly where it relies on flags.
    const split = splitAll(vm.ept, vm.work);
    if (vm.work.begins) setAccessedDirty(vm, true);
    return clearFlags(vm) * vm.costs.protectPage + split * vm.costs.splitHandler;
  },
  collect(vm) {
    const { words } = vm.ept.memory;
    const { accessed, dirty } = vm.ept.format;
    let leaves = 0;
    walkLeaves(vm.work, vm.ept, (word, _level, page) => {
      const low = vm.work.heldOr(word, wordAt(words, word));
      leaves++;
      if ((low & accessed) !== 0) markDirty(vm.touched, page);
      if ((low & dirty) !== 0) markDirty(vm.dirty, page);
    });
    return leaves * vm.costs.protectPage;
  },
  // In the piece that has collected them: what a processor sets between the two would be lost.
  rearm(vm) {
    const leaves = clearFlags(vm);
    readAhead(vm);
    return leaves * vm.costs.protectPage;
  },
  disarm(vm) {
    if (vm.work.begins) setAccessedDirty(vm, false);
    return disarmAll(vm.ept, vm.work) * vm.costs.protectPage;
  },
  serveLogFull: () => NOT_OURS,
  serveViolation: () => NOT_OURS,
  // The flags go with the leaf.
  pageTaken(vm, page, low) {
    const { accessed, dirty } = vm.ept.format;
    if ((low & accessed) !== 0) markDirty(vm.touched, page);
    if ((low & dirty) !== 0) markDirty(vm.dirty, page);
  },
  pageReturned: (vm) => vm.ept.format.ramLeaf,
} as const satisfies Technique;
