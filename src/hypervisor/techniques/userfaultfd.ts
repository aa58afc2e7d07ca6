/**
 * Write protection of the VMM's memory by userfaultfd (UFFDIO_WRITEPROTECT): the first write to each page faults in the host.
 * `sync`: a message goes to a thread of the VMM, which notes the page and lifts the protection, while the vCPU's thread sleeps
 * (QEMU's background snapshot). `WP_ASYNC`: the kernel lifts it in the fault, and PAGEMAP_SCAN with PM_SCAN_WP_MATCHING
 * reports the pages whose mark is gone and protects them again in one walk (fs/proc/task_mmu.c).
 */
import * as z from "zod";
import {
  countLeaves,
  dropAll,
  dropTaken,
  restoreAll,
  returnedLeaf,
  serveDropped,
} from "./hostEntries.ts";
import { NOT_OURS, optionsOf, type Technique } from "./technique.ts";

const schema = z
  .strictObject({
    mode: z
      .enum(["sync", "WP_ASYNC"])
      .default("sync")
      .describe("who lifts the protection: a thread of the VMM that is told, or the kernel"),
  })
  .optional()
  .describe("userfaultfd's write protection, for technique userfaultfd");

const section = { name: "userfaultfd", schema } as const;

export const userfaultfd = {
  name: "userfaultfd",
  finds: "the first write to each page",
  costs:
    "an EPT violation a page and round, one more where it was read first, and a message to the VMM",
  findsWritten: true,
  findsTouched: false,
  toldBy: "exits",
  exits: true,
  armsEntries: true,
  section,
  variants: [{ name: "userfaultfd-WP_ASYNC", fields: { "userfaultfd.mode": "WP_ASYNC" } }],
  model: { pages: 2, logEntries: 1, reads: 1 },
  unit: () => "none",
  arm: (vm) => dropAll(vm, vm.costs.hostEntry),
  // What the thread was told it has noted; the kernel's marks take a walk of all entries.
  collect(vm) {
    const { mode } = optionsOf(vm, section);
    return mode === "sync" ? 0 : countLeaves(vm) * vm.costs.hostEntry;
  },
  rearm: (vm) => dropTaken(vm, vm.costs.hostEntry),
  disarm: restoreAll,
  serveLogFull: () => NOT_OURS,
  serveViolation(vm, _vcpu, page, write) {
    const { hostMessage, hostFault } = vm.costs;
    const { mode } = optionsOf(vm, section);
    return serveDropped(vm, page, write, mode === "sync" ? hostMessage : hostFault);
  },
  pageTaken: () => {},
  pageReturned: returnedLeaf,
} as const satisfies Technique;
