/** Models of calls to a piece of a kernel or a hypervisor. */
import { HOST_PAGE_FAULTS } from "../hypervisor/hostPages.ts";
import { SHARED_LOG_FAULTS } from "../hypervisor/sharedLog.ts";
import { XEN_LOG_FAULTS } from "../hypervisor/xenLogDirty.ts";
import { fieldOf } from "../lookup.ts";
import type { ModelEntry } from "./modelEntry.ts";
import { hostPagesModel } from "./models/hostPages.ts";
import { sharedLogModel } from "./models/sharedLog.ts";
import { xenLogModel } from "./models/xenLog.ts";
import type { Mutation } from "./mutations/mutation.ts";

/** Those of these faults that are planted. */
function planted<Fault extends string>(mutation: Mutation | null, all: readonly Fault[]): Fault[] {
  return all.filter((fault) => fault === mutation?.callFault);
}

const PAGES = { name: "pages", value: 2, min: 1, max: 3, what: "pages of the VM" } as const;

export const CALLS: readonly ModelEntry[] = [
  {
    name: "shared-log",
    what: "two operations on one VM that share the kernel's dirty log, as QEMU's do",
    parameters: [PAGES],
    build: (values, mutation) =>
      sharedLogModel(fieldOf(values, "pages"), planted(mutation, SHARED_LOG_FAULTS)),
    system: null,
  },
  {
    name: "xen-log-dirty",
    what: "Xen's log-dirty operations in any order, and tracking of video memory beside them",
    parameters: [PAGES],
    build: (values, mutation) =>
      xenLogModel(fieldOf(values, "pages"), planted(mutation, XEN_LOG_FAULTS)),
    system: null,
  },
  {
    name: "host-pages",
    what: "pages of a VMM's process, found by PAGEMAP_SCAN and soft-dirty bits, swapped, discarded and mapped anew",
    parameters: [PAGES],
    build: (values, mutation) =>
      hostPagesModel(fieldOf(values, "pages"), planted(mutation, HOST_PAGE_FAULTS)),
    system: null,
  },
];
