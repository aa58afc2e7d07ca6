/** Faults of calls: what several users of one log, or a hypervisor's own calls, get wrong. */
import { NOTHING_LOST } from "../models/calls.ts";
import { KERNEL_LOGS, STAYS_ON } from "../models/sharedLog.ts";
import type { Mutation } from "./mutation.ts";

export const callMutations: readonly Mutation[] = [
  {
    name: "sync-serves-one-user",
    mistake:
      "a synchronisation takes the kernel's bits for who asks, and the other user never has them",
    model: "shared-log",
    breaks: NOTHING_LOST,
    callFault: "syncServesOneUser",
  },
  {
    name: "take-clears-every-bitmap",
    mistake: "a user that takes its pages clears the other's bitmap, too",
    model: "shared-log",
    breaks: NOTHING_LOST,
    callFault: "takeClearsEveryBitmap",
  },
  {
    name: "first-stop-ends-log",
    mistake: "the log is stopped by the first user that ends, while the other is on",
    model: "shared-log",
    breaks: KERNEL_LOGS,
    callFault: "firstStopEndsLog",
  },
  {
    name: "second-start-empties-log",
    mistake:
      "a second user begins, and the kernel's log is begun anew: the first one's bits are gone",
    model: "shared-log",
    breaks: NOTHING_LOST,
    callFault: "secondStartEmptiesLog",
  },
  {
    name: "postponed-stop-stays",
    mistake:
      "a user ends while the VM stands still and begins anew, and the stop that was put off ends it",
    model: "shared-log",
    breaks: STAYS_ON,
    callFault: "postponedStopStays",
  },
  ...(
    [
      ["xen-peek-takes-bits", "a PEEK takes the bits that it shows", "peekTakesBits"],
      [
        "xen-clean-without-retype",
        "a CLEAN takes the bits, and pages that were written stay as they are: their next write is not seen",
        "cleanWithoutRetype",
      ],
      [
        "xen-failed-allocation-forgotten",
        "memory for the trie was missing, and only the first CLEAN says so: the next is a success without that page",
        "failedAllocationForgotten",
      ],
      [
        "xen-final-without-mapped",
        "CLEAN with FINAL does not mark the pages that the hypervisor has mapped",
        "finalWithoutMapped",
      ],
      [
        "xen-vram-takes-log-bits",
        "the device model's call for its video memory takes the log's bits of that range",
        "vramTakesLogBits",
      ],
      [
        "xen-second-call-while-unfinished",
        "a call comes while a preempted CLEAN is unfinished, goes on with it and takes its bits",
        "cleanWhileUnfinished",
      ],
    ] as const
  ).map(([name, mistake, callFault]) => {
    return { name, mistake, model: "xen-log-dirty", breaks: NOTHING_LOST, callFault };
  }),
  ...(
    [
      [
        "swap-loses-soft-dirty",
        "a page goes to the disk, and its soft-dirty bit is gone",
        "swapLosesMark",
      ],
      [
        "new-mapping-is-clean",
        "memory is mapped anew at the same place, and its pages are not soft-dirty",
        "newMappingIsClean",
      ],
      [
        "discard-is-no-write",
        "MADV_DONTNEED of a protected page leaves its mark: PAGEMAP_SCAN does not say that it is zero now",
        "discardIsNoWrite",
      ],
    ] as const
  ).map(([name, mistake, callFault]) => {
    return { name, mistake, model: "host-pages", breaks: NOTHING_LOST, callFault };
  }),
];
