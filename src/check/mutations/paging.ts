/** Faults on an overcommitted host: frames that are given away too early, and pages that are tracked while they come and go. */

import type { PagerReply } from "../../../machines/pager.ts";
import { findLeaf, ordinaryLeaf, setAttributes } from "../../hardware/ept.ts";
import { VmMemory } from "../../hypervisor/overcommit/vmMemory.ts";
import { itemAt } from "../../lookup.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { BALLOON_RESTS } from "../models/overcommit.ts";
import { CONTENT_SURVIVES, NO_FRAME_REACHED } from "../models/pagedHost.ts";
import { WRITES } from "../usualUnits.ts";
import {
  around,
  type Mutation,
  type Replacement,
  replaceIn,
  without,
  wrapDevice,
} from "./mutation.ts";

/** A page gets the leaf that it would have if nobody tracked its VM. */
const comesOrdinary: Replacement = around({ helper: "pager" }, ({ op, page }, perform, { vms }) => {
  const reply = perform();
  const { ept } = itemAt(vms, 0);
  const leaf = op === "arrive" ? findLeaf(ept, page!) : null;
  const ordinary = ordinaryLeaf(ept.format);
  if (leaf !== null) setAttributes(ept, leaf.word, ordinary);
  return reply;
});

export const pagingMutations: readonly Mutation[] = [
  {
    name: "swap-before-invept",
    mistake:
      "a page goes to the disk when it has lost its frame, and not when no CPU can reach it any more",
    model: "paging",
    breaks: NO_FRAME_REACHED,
    operationFault: "swapBeforeInvept",
  },
  {
    name: "swap-keeps-the-first",
    mistake:
      "a page that goes to the disk for the second time stays there as it was the first time",
    model: "paging",
    set: { balloons: 0 },
    breaks: CONTENT_SURVIVES,
    replace: replaceIn({ helper: "pager" }, ({ machine, device }, _, operation) => ({
      machine,
      device: wrapDevice(device, ({ op }, perform) => {
        const memories = operation().filter((part) => part instanceof VmMemory);
        const before = memories.map(({ contents }) => contents.slice());
        const reply = perform();
        memories.forEach(({ contents }, vm) => {
          if (op === "flushed") contents.set(itemAt(before, vm));
        });
        return reply;
      }),
    })),
  },
  {
    name: "frame-not-flushed",
    mistake:
      "a CPU acknowledges the pager's INVEPT without executing it, and the frame is another page's",
    model: "paging",
    breaks: NO_FRAME_REACHED,
    replace: around("dispatcher", () => ({ type: "invalidated" })),
  },
  {
    name: "waiter-not-woken",
    mistake: "a page has come, and the vCPU that waits for it is not woken",
    model: "paging",
    breaks: "vCPU 0 runs again",
    replace: around({ helper: "pager" }, (_, perform) => ({ ...perform(), woken: [] })),
  },
  {
    name: "balloon-keeps-what-it-took",
    mistake: "the balloon has taken a page from the guest, and tells the hypervisor nothing of it",
    model: "paging",
    breaks: BALLOON_RESTS,
    replace: without({ helper: "balloon" }, "sendGiveBack"),
  },
  {
    name: "page-comes-writable",
    mistake:
      "a page that comes back while the VM is tracked gets all rights, and its next write is not seen",
    model: "paging-write-protection",
    breaks: NO_PAGE_LOST,
    replace: comesOrdinary,
  },
  {
    name: "page-comes-dirty",
    mistake:
      "a page that comes back while the VM is tracked has its D flag set, and its next write is not logged",
    model: `paging-${WRITES.name}`,
    breaks: NO_PAGE_LOST,
    replace: comesOrdinary,
  },
  {
    name: "other-vm-flushed",
    mistake: "a VM loses a frame, and INVEPT is executed for the VM that gets it",
    model: "paging-two-vms",
    breaks: NO_FRAME_REACHED,
    replace: around({ helper: "pager" }, (_, perform) => {
      const reply = perform();
      const { flush } = reply as PagerReply;
      return { ...reply, flush: flush.map((vm) => 1 - vm) };
    }),
  },
  {
    name: "flags-lost-with-frame",
    mistake: "a page loses its frame, and its D flag is gone with the entry",
    model: "paging-scan",
    breaks: NO_PAGE_LOST,
    replace: replaceIn({ helper: "pager" }, ({ machine, device }, world) => ({
      machine,
      device: {
        perform: (request: never) => {
          const { armed } = itemAt(world().vms, 0);
          const { technique } = armed;
          if (technique !== null) armed.technique = { ...technique, pageTaken: () => {} };
          const reply = device!.perform(request);
          armed.technique = technique;
          return reply;
        },
        touches: (request: never) => device!.touches(request),
      },
    })),
  },
];
