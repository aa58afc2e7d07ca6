/** The paging of an overcommitted host, and the actors around it. */

import { balloonMachine } from "../../../../machines/balloon.ts";
import { pagerMachine } from "../../../../machines/pager.ts";
import type { Problems } from "../../../errors.ts";
import { forEachLeaf, frameAt } from "../../../hardware/ept.ts";
import { Disk } from "../../../hypervisor/overcommit/disk.ts";
import type { GuestRule } from "../../../hypervisor/overcommit/guestKernel.ts";
import { HostFrames } from "../../../hypervisor/overcommit/hostFrames.ts";
import { Paging, type PagingRules } from "../../../hypervisor/overcommit/paging.ts";
import { VmMemory } from "../../../hypervisor/overcommit/vmMemory.ts";
import type { ActorId } from "../../../interconnect/messages.ts";
import type { OperationHelper, OperationWires } from "../../operation.ts";
import type { World } from "../../world.ts";
import type { VmPlan } from "../../worldPlan.ts";
import { BalloonDevice, type BalloonOrders, PagerDevice } from "./device.ts";
import { type OvercommitConfig, pageTransferCycles } from "./overcommitSchema.ts";

/** What decides which pages are taken, beside the configuration. */
export type PagingChoices = Pick<PagingRules, "seed" | "random" | "swapsUnflushed">;

/** @param guestRules by VM */
export function createPaging(
  config: OvercommitConfig,
  guestRules: readonly GuestRule[],
  world: World,
  choices: PagingChoices,
): Paging {
  const { swap } = config;
  const frames = new HostFrames(config.memory);
  const memories = world.vms.map((vm, number) => {
    const { config: own, ept, guest, tables, tracked, armed } = vm;
    const { name, pages, paging } = own;
    forEachLeaf(ept, (word, level, page) => {
      if (page >= pages) return;
      const first = frameAt(ept, word);
      const count = 2 ** ((level - 1) * ept.geometry.indexBits);
      for (let i = 0; i < count; i++) frames.own(first + i, number);
    });
    const paged = { name, pages, paging, ept, guest, tables, tracked, armed };
    return new VmMemory(paged, own.initialPages);
  });
  frames.collectFree();
  return new Paging(
    frames,
    new Disk(swap.latency, pageTransferCycles(config)),
    memories,
    world.vms.map(({ vcpus }) => vcpus),
    {
      guest: guestRules,
      host: swap.victims,
      batch: swap.batch,
      costs: world.config.tracking.costs,
      ...choices,
    },
  );
}

/** How a guest chooses the pages that it gives up; one without paging has no accessed flags to choose by. */
export function guestRule(
  { guest }: OvercommitConfig,
  { paging }: VmPlan,
  number: number,
  problems: Problems,
): GuestRule {
  if (paging !== "off") return guest.victims ?? "clock";
  if (guest.victims === "clock") {
    problems.add(
      ["vms", number, "paging"],
      `a guest without paging has no accessed flags; use operation.guest.victims "random"`,
    );
  }
  return "random";
}

/** @param balloonsOf whom of its helpers the pager knows as balloons, by VM */
export function pagerActor(
  paging: Paging,
  orders: BalloonOrders,
  now: () => number,
  balloonsOf: (wires: OperationWires) => readonly ActorId[],
): OperationHelper {
  return {
    role: { kind: "helper", helper: "pager" },
    machine: pagerMachine,
    device: new PagerDevice(paging, orders, now),
    input: (wires) => {
      const { self, scheduler, dispatchers } = wires;
      return { self, scheduler, dispatchers, balloons: balloonsOf(wires) };
    },
  };
}

/** One for each VM. The pager is the last helper. */
export function balloonActors(
  world: World,
  paging: Paging,
  { limit, chunk }: OvercommitConfig["balloon"],
): OperationHelper[] {
  return world.vms.map(({ config: vm }, number) => ({
    role: { kind: "helper", helper: "balloon", vm: number },
    machine: balloonMachine,
    device: new BalloonDevice(paging, Math.ceil((1 - limit) * vm.pages)),
    input: ({ self, helpers }) => ({
      vm: number,
      self,
      pager: helpers.at(-1),
      chunkPages: chunk,
      pageCycles: world.config.tracking.costs.balloonPage,
    }),
  }));
}
