/**
 * Residency in place of a log (Firecracker without track_dirty_pages, vm.rs, snapshot_memory_to_file): what mincore says is in
 * memory goes into a differential snapshot. A VM that was restored by mapping its file has nothing in memory at first, and
 * each page comes with its first access. So a page that was read is reported, and again in each later snapshot; and a page
 * that was written, and swapped out since, is not.
 */
import * as z from "zod";
import {
  clearAttributes,
  findLeaf,
  forEachLeaf,
  ordinaryLeaf,
  setAttributes,
} from "../../hardware/ept.ts";
import { wordAt } from "../../lookup.ts";
import { markDirty } from "../dirtyBitmap.ts";
import { Work, walkLeaves } from "../tableWork.ts";
import type { TrackedVm } from "../trackedVm.ts";
import { dropAll, restoreAll } from "./hostEntries.ts";
import { NOT_OURS, optionsOf, type Technique } from "./technique.ts";

const schema = z
  .strictObject({
    limit: z
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .default(0)
      .describe(
        "pages that the host leaves in memory when a harvest comes, the lowest are swapped out; 0: there is no swap",
      ),
  })
  .optional()
  .describe("residency in place of a log, for technique mincore");

const section = { name: "mincore", schema } as const;

function isResident({ ept }: TrackedVm, word: number): boolean {
  return (wordAt(ept.memory.words, word) & ept.format.present) !== 0;
}

/** The host takes what is above its limit, the lowest pages first: it knows nothing of what was written. */
function swapOut(vm: TrackedVm, limit: number): void {
  const resident: number[] = [];
  forEachLeaf(vm.ept, (word, _level, page) => {
    if (isResident(vm, word)) resident.push(page);
  });
  for (const page of resident.slice(0, Math.max(0, resident.length - limit))) {
    const leaf = findLeaf(vm.ept, page);
    if (leaf !== null) clearAttributes(vm.ept, leaf.word, vm.ept.format.allRights);
  }
}

export const mincore = {
  name: "mincore",
  finds: "pages that were touched since the start, but for those that the host has swapped out",
  costs: "an EPT violation a page, once",
  findsWritten: false,
  findsTouched: true,
  findsResident: true,
  toldBy: "exits",
  exits: true,
  armsEntries: true,
  section,
  model: { pages: 2, logEntries: 1, reads: 1 },
  unit: () => "none",
  arm: (vm) => dropAll(vm, 0),
  collect(vm) {
    const { limit } = optionsOf(vm, section);
    // A harvest flushes what processors cache of what is taken now; a look does not.
    if (limit > 0 && vm.work.begins && vm.work.work === Work.harvest) swapOut(vm, limit);
    let leaves = 0;
    walkLeaves(vm.work, vm.ept, (word, _level, page) => {
      leaves++;
      if (isResident(vm, word)) markDirty(vm.touched, page);
    });
    return leaves * vm.costs.hostEntry;
  },
  rearm: () => 0,
  disarm: restoreAll,
  serveLogFull: () => NOT_OURS,
  serveViolation(vm, _vcpu, page) {
    const leaf = findLeaf(vm.ept, page);
    if (leaf === null) return NOT_OURS;
    const isFirst = !isResident(vm, leaf.word);
    setAttributes(vm.ept, leaf.word, vm.ept.format.allRights);
    const cycles = vm.costs.violationHandler + (isFirst ? vm.costs.hostFault : 0);
    return { fix: "granted", cycles, ringFull: false };
  },
  pageTaken: () => {},
  pageReturned: (vm) => ordinaryLeaf(vm.ept.format),
} as const satisfies Technique;
