/**
 * The kernel's soft-dirty bits (Documentation/admin-guide/mm/soft-dirty.rst): "4" written to clear_refs takes W and bit 55 of
 * every page of the VMM, whether it was written or not; who wants to know reads all of /proc/PID/pagemap. CRIU finds what a
 * process wrote since its parent image so (criu/mem.c).
 */
import { countLeaves, dropAll, restoreAll, returnedLeaf, serveDropped } from "./hostEntries.ts";
import { NOT_OURS, type Technique } from "./technique.ts";

export const softDirty = {
  name: "softDirty",
  finds: "the first write to each page",
  costs: "an EPT violation a page and round, at every page that is accessed, and a walk of pagemap",
  findsWritten: true,
  findsTouched: false,
  toldBy: "exits",
  exits: true,
  armsEntries: true,
  model: { pages: 2, logEntries: 1, reads: 1 },
  unit: () => "none",
  arm: (vm) => dropAll(vm, vm.costs.hostEntry),
  collect: (vm) => countLeaves(vm) * vm.costs.pagemapEntry,
  // clear_refs knows no ranges.
  rearm: (vm) => dropAll(vm, vm.costs.hostEntry),
  disarm: restoreAll,
  serveLogFull: () => NOT_OURS,
  serveViolation: (vm, _vcpu, page, write) => serveDropped(vm, page, write, vm.costs.hostFault),
  pageTaken: () => {},
  pageReturned: returnedLeaf,
} as const satisfies Technique;
