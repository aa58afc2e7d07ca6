/**
 * Present-bit invalidation: entries lose R, W and X, and the first access to each page takes an EPT
 * violation. It tells touched pages, not written ones: after the first access all rights are back.
 * With chosen pages it is VMware's sampling (Waldspurger, OSDI'02 5.3), else every page takes part.
 */

import {
  clearAttributes,
  findLeaf,
  forEachLeaf,
  ordinaryLeaf,
  setAttributes,
} from "../../hardware/ept.ts";
import { wordAt } from "../../lookup.ts";
import { clearMarks, countMarked, isMarked, markDirty } from "../dirtyBitmap.ts";
import { splitAll } from "../logDirty.ts";
import { walkLeaves, walkMarks, wholeWalk } from "../tableWork.ts";
import type { TrackedVm } from "../trackedVm.ts";
import { NOT_OURS, type Technique } from "./technique.ts";

function takeRights(vm: TrackedVm, page: number): void {
  const leaf = findLeaf(vm.ept, page);
  if (leaf === null) return;
  clearAttributes(vm.ept, leaf.word, vm.ept.format.allRights);
}

/** Takes the rights of these pages, and gives them back to all others. Returns the entries changed. */
function choose(vm: TrackedVm, pages: readonly number[]): number {
  const { words } = vm.ept.memory;
  const { present, allRights } = vm.ept.format;
  let changed = 0;
  forEachLeaf(vm.ept, (word) => {
    if ((wordAt(words, word) & present) !== 0) return;
    setAttributes(vm.ept, word, allRights);
    changed++;
  });
  clearMarks(vm.sampled);
  for (const page of pages) {
    takeRights(vm, page);
    markDirty(vm.sampled, page);
  }
  return changed + pages.length;
}

export const presentBit = {
  name: "presentBit",
  finds: "the first touch of each page",
  costs: "an EPT violation a page and round",
  findsWritten: false,
  findsTouched: true,
  toldBy: "exits",
  exits: true,
  armsEntries: true,
  model: { pages: 2, logEntries: 1, reads: 1 },
  unit: () => "none",
  arm(vm, pages) {
    // Rights are taken page by page, so large leaves are split first.
    const split = splitAll(vm.ept, pages === null ? vm.work : wholeWalk());
    if (pages !== null) {
      return choose(vm, pages) * vm.costs.protectPage + split * vm.costs.splitHandler;
    }
    let leaves = 0;
    const { allRights } = vm.ept.format;
    clearMarks(vm.sampled);
    walkLeaves(vm.work, vm.ept, (word) => {
      clearAttributes(vm.ept, word, allRights);
      leaves++;
    });
    return leaves * vm.costs.protectPage + split * vm.costs.splitHandler;
  },
  collect: () => 0,
  rearm(vm, chosen) {
    if (chosen !== null) return choose(vm, chosen) * vm.costs.protectPage;
    let pages = 0;
    walkMarks(vm.work, vm.touched, (page) => {
      takeRights(vm, page);
      pages++;
    });
    return pages * vm.costs.protectPage;
  },
  disarm(vm) {
    let leaves = 0;
    const { allRights, accessed, dirty } = vm.ept.format;
    walkLeaves(vm.work, vm.ept, (word) => {
      setAttributes(vm.ept, word, allRights | accessed | dirty);
      leaves++;
    });
    return leaves * vm.costs.protectPage;
  },
  serveLogFull: () => NOT_OURS,
  serveViolation(vm, _vcpu, page) {
    const leaf = findLeaf(vm.ept, page);
    if (leaf === null) return NOT_OURS;
    const { words } = vm.ept.memory;
    const { present, allRights } = vm.ept.format;
    // Another CPU, or a new choice of pages, may have been here first: then the access just retries.
    if ((wordAt(words, leaf.word) & present) === 0) markDirty(vm.touched, page);
    setAttributes(vm.ept, leaf.word, allRights);
    return { fix: "granted", cycles: vm.costs.violationHandler, ringFull: false };
  },
  pageTaken: () => {},
  // A page without a frame exits at its first access, too: it counts if it takes part in the round.
  pageReturned(vm, page) {
    if (countMarked(vm.sampled) === 0 || isMarked(vm.sampled, page)) markDirty(vm.touched, page);
    return ordinaryLeaf(vm.ept.format);
  },
} as const satisfies Technique;
