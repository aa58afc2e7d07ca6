/** Faults in memory slots: what becomes of a log when its slot goes, moves or is cleared, and of translations into it. */
import { findLeaf } from "../../hardware/ept.ts";
import { KvmMemory } from "../../hypervisor/slots/kvmMemory.ts";
import type { VmSlots } from "../../hypervisor/slots/vmSlots.ts";
import { itemAt, present } from "../../lookup.ts";
import type { World } from "../../system/world.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { NO_STALE_TRANSLATION } from "../models/properties.ts";
import { modelOf, WRITES } from "../usualUnits.ts";
import { around, type Mutation } from "./mutation.ts";

function slotsOf({ vms }: World): VmSlots {
  return present(itemAt(vms, 0).tracked.slots, "the memory slots of a model of them");
}

/** Does something while one of KVM's calls is another one. */
function withCall<Name extends "clearDirtyLog" | "markGuestPage", Result>(
  { kvm }: VmSlots,
  name: Name,
  call: KvmMemory[Name],
  perform: () => Result,
): Result {
  Object.assign(kvm, { [name]: call });
  const result = perform();
  Object.assign(kvm, { [name]: KvmMemory.prototype[name] });
  return result;
}

const isHarvest = (op: string): boolean => op === "harvest" || op === "goOn";

export const slotMutations: readonly Mutation[] = [
  {
    name: "slot-deleted-unharvested",
    mistake:
      "a slot is deleted, and the log that goes with it is not taken before (QEMU commit 3fbffb628c00)",
    model: "slots",
    breaks: NO_PAGE_LOST,
    trackerFault: "slotDeletedUnharvested",
  },
  {
    name: "slot-logging-dropped",
    mistake:
      "a slot's owner turns its logging off and on, and its log is dropped, though the tracker needs it",
    model: "slots",
    breaks: NO_PAGE_LOST,
    trackerFault: "slotLoggingDropped",
  },
  {
    name: "slot-memory-unseen",
    mistake:
      "memory that comes to a place, because a slot is made there or moves there, is not counted as changed (cloud-hypervisor issue 2458)",
    model: "slots",
    breaks: NO_PAGE_LOST,
    trackerFault: "slotMemoryUnseen",
  },
  {
    name: "slot-not-flushed",
    mistake: "the mappings of a slot that goes are taken away, and no processor flushes",
    model: "slots",
    breaks: NO_STALE_TRANSLATION,
    replace: around("dispatcher", () => ({ type: "invalidated" })),
  },
  {
    name: "slot-mapped-unmarked",
    mistake:
      "a page that was mapped before a slot went is mapped again, writable from the start, and not marked",
    model: "slots",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op, page = 0 }, perform, world) => {
      const { ept } = itemAt(world.vms, 0).tracked;
      if (op !== "serveViolation" || findLeaf(ept, page) !== null) return perform();
      return withCall(slotsOf(world), "markGuestPage", () => false, perform);
    }),
  },
  {
    name: "slot-log-undrained",
    mistake: `the log of a slot that goes is taken, and ${WRITES.label}'s is not drained into it`,
    model: modelOf(WRITES, "slots"),
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op }, perform, world) => {
      if (op !== "commitRegion" || slotsOf(world).leaving === null) return perform();
      return withCall(slotsOf(world), "markGuestPage", () => false, perform);
    }),
  },
  {
    name: "clear-without-mask",
    mistake:
      "a CLEAR of a slot in the middle of a harvest takes what was written since the GET, which nobody has seen",
    model: "slots-in-pieces",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op }, perform, world) => {
      if (!isHarvest(op)) return perform();
      const slots = slotsOf(world);
      const { clearDirtyLog } = KvmMemory.prototype;
      const everything: KvmMemory["clearDirtyLog"] = (id, first, count) => {
        const all = Array.from({ length: count }, (_, i) => first + i);
        return clearDirtyLog.call(slots.kvm, id, first, count, all);
      };
      return withCall(slots, "clearDirtyLog", everything, perform);
    }),
  },
  {
    name: "clear-arms-nothing",
    mistake: "a CLEAR takes the marks of a slot, and leaves its pages writable",
    model: "slots-in-pieces",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op }, perform, { memory }) => {
      const before = memory.words.slice();
      const reply = perform();
      if (isHarvest(op)) memory.words.set(before);
      return reply;
    }),
  },
  {
    name: "slot-armed-by-position",
    mistake:
      "a slot's number is taken for its position among the slots, and another slot's pages are armed again (Linux commit 69a1220060c1)",
    model: "slots-in-pieces",
    breaks: NO_PAGE_LOST,
    trackerFault: "slotArmedByPosition",
  },
];
