/** Faults of who writes a VM's memory beside its vCPUs, and of who has to know of it. */
import type { AnyEventObject } from "xstate";
import { flushIotlb, takeDirty } from "../../hardware/iommu.ts";
import { landed } from "../../hardware/writesInFlight.ts";
import { dmaWrote, markWritten } from "../../hypervisor/deviceWrites.ts";
import { ringPush } from "../../hypervisor/dirtyRing.ts";
import { logCompletion, VHOST_PAGE_BYTES } from "../../hypervisor/vhostLog.ts";
import type { Device } from "../../interconnect/emissions.ts";
import { itemAt } from "../../lookup.ts";
import { vmMemory } from "../../system/memoryNames.ts";
import type { ActorParts } from "../../system/systemPlan.ts";
import type { VmState, World } from "../../system/world.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { NO_ACTOR_FAILS } from "../hypervisor/systemSteps.ts";
import { LAST_HARVEST_AFTER_MARKS } from "../models/devices.ts";
import { MEMORY_EQUAL } from "../models/migration.ts";
import { modelOf, WRITES } from "../usualUnits.ts";
import {
  type Asked,
  around,
  type Mutation,
  type Replacement,
  replaceIn,
  withTransition,
  wrapDevice,
} from "./mutation.ts";

/** In the place of the marks of the only device. @param rings whether they go to one */
function marks(mark: (page: number, vm: VmState) => void, rings = false): Replacement {
  return replaceIn("ioDevice", ({ machine, device }, world) => {
    const own = wrapDevice(device, ({ op, page = 0 }, perform) => {
      if (op === "write") return perform();
      const vm = itemAt(world().vms, 0);
      mark(page, vm);
      if (vm.guest.inFlight !== null) landed(vm.guest.inFlight, page);
      return { type: "marked", pages: 1 };
    });
    return { machine, device: rings ? touchingRings(own) : own };
  });
}

function touchingRings(device: Device<Asked, AnyEventObject> | null): ActorParts["device"] {
  if (device === null) return null;
  return {
    perform: (asked: Asked) => device.perform(asked),
    touches: (asked: Asked) => [...device.touches(asked), vmMemory(0, "rings")],
  };
}

/** What the flags of the IOMMU were before a harvest, or something else, is there after it. */
function aroundHarvest(what: (perform: () => AnyEventObject, world: World) => AnyEventObject) {
  return around("tracker", ({ op }, perform, world) =>
    op === "harvest" ? what(perform, world) : perform(),
  );
}

export const deviceMutations: readonly Mutation[] = [
  {
    name: "marked-before-written",
    mistake: "what a device is going to write is marked first, and written then",
    model: modelOf(WRITES, "device"),
    breaks: NO_PAGE_LOST,
    replace: around("ioDevice", ({ op, page = 0 }, _, { vms }) => {
      const { devices, guest, tracked, armed } = itemAt(vms, 0);
      if (op === "mark") {
        dmaWrote(page, guest);
        return { type: "marked", pages: 1 };
      }
      const next = itemAt(devices, 0).next();
      markWritten(next, tracked, armed.technique);
      return { type: "written", page: next, pages: 1 };
    }),
  },
  {
    name: "dma-never-marked",
    mistake: "what a device has written is marked by nobody",
    model: modelOf(WRITES, "device"),
    breaks: NO_PAGE_LOST,
    replace: marks(() => {}),
  },
  {
    name: "dma-beside-every-ring",
    mistake:
      "beside a dirty ring what a thread without a vCPU writes is recorded nowhere (KVM without ring-with-bitmap)",
    model: "dirty-ring-device",
    breaks: NO_PAGE_LOST,
    replace: marks(() => {}),
  },
  {
    name: "dma-in-a-vcpus-ring",
    mistake:
      "a device's writes are pushed to the ring of a vCPU, which does not leave the guest when it is full of them",
    model: "dirty-ring-device",
    breaks: NO_ACTOR_FAILS,
    replace: marks((page, { tracked }) => ringPush(itemAt(tracked.vcpus, 0).ring, page), true),
  },
  {
    name: "drained-before-marked",
    mistake: "a device says that it is drained while data that it wrote are not marked",
    model: modelOf(WRITES, "device"),
    breaks: LAST_HARVEST_AFTER_MARKS,
    replace: replaceIn("ioDevice", ({ machine, device }) => ({
      device,
      machine: withTransition(machine, "running", "drainDevice", {
        target: "draining",
        actions: "sendDrained",
      }),
    })),
  },
  {
    name: "stopped-without-devices",
    mistake: "a VM that is suspended stands still when its vCPUs do, and its device writes on",
    model: "migration-device",
    set: { aborts: 0, fails: 0 },
    breaks: MEMORY_EQUAL,
    replace: replaceIn("runState", ({ machine, device }) => ({
      device,
      machine: machine.provide({ guards: { drains: () => false } }),
    })),
  },
  {
    name: "used-ring-not-logged",
    mistake:
      "a vhost back end logs the data of its requests, and not what it writes to the used ring (no VHOST_VRING_F_LOG)",
    model: "vhost",
    breaks: NO_PAGE_LOST,
    replace: around("ioDevice", ({ op, page = 0 }, perform, { vms }) => {
      const { devices, guest, tracked } = itemAt(vms, 0);
      const log = tracked.dma?.vhost ?? null;
      if (op !== "mark" || log === null) return perform();
      const { usedPage, requestPages: pages } = itemAt(devices, 0).plan;
      dmaWrote(usedPage, guest);
      const bytes = { address: page * VHOST_PAGE_BYTES, length: pages * VHOST_PAGE_BYTES };
      logCompletion(log, bytes, null);
      for (let own = page; own < page + pages; own++) {
        if (guest.inFlight !== null) landed(guest.inFlight, own);
      }
      return { type: "marked", pages };
    }),
  },
  {
    name: "iotlb-not-flushed",
    mistake: "a harvest clears the IOMMU's dirty flags and leaves the IOTLB as it is",
    model: "iommu",
    breaks: NO_PAGE_LOST,
    replace: aroundHarvest((perform, { vms }) => {
      const iommu = itemAt(vms, 0).tracked.dma?.iommu;
      const before = iommu?.cached.slice() ?? [];
      const reply = perform();
      iommu?.cached.set(before);
      return reply;
    }),
  },
  {
    name: "mapped-later-not-noted",
    mistake:
      "the addresses that are noted are those of tracking's start: what is mapped later is written unseen",
    model: "iommu",
    breaks: NO_PAGE_LOST,
    replace: around("ioDevice", (_, perform, { vms }) => {
      const iommu = itemAt(vms, 0).tracked.dma?.iommu;
      const tracking = iommu?.tracking[0] ?? 0;
      iommu?.tracking.fill(0);
      const reply = perform();
      iommu?.tracking.fill(tracking);
      return reply;
    }),
  },
  {
    name: "iommu-cleared-before-read",
    mistake: "the IOMMU's dirty flags are cleared before a harvest has copied them",
    model: "iommu",
    breaks: NO_PAGE_LOST,
    replace: aroundHarvest((perform, { vms }) => {
      const iommu = itemAt(vms, 0).tracked.dma?.iommu ?? null;
      if (iommu !== null) {
        takeDirty(iommu, () => {});
        flushIotlb(iommu);
      }
      return perform();
    }),
  },
];
