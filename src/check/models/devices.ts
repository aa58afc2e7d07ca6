/** A device of a model's VM, whose requests go to pages that the explorer chooses; and what must hold of devices. */
import { runStateMachine } from "../../../machines/runState.ts";
import { toolstackMachine } from "../../../machines/toolstack.ts";
import type { Words } from "../../hardware/normalForm.ts";
import { itemAt } from "../../lookup.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import { actorName } from "../../system/roles.ts";
import type { System } from "../../system/system.ts";
import type { DevicePlan, DmaTrackingKind } from "../../system/worldPlan.ts";
import { type Chooser, ChoosingRandom } from "../hypervisor/choosers.ts";
import { over, type Property } from "../properties/property.ts";
import { contextReader } from "./actorStates.ts";

export const LAST_HARVEST_AFTER_MARKS =
  "the last harvest comes when no device writes, and all that it wrote is marked";
export const DRAINED_AT_LAST = "a VM that is to stop is stopped at last";

/** Whatever length it has, the explorer lets it end at any moment. */
const SOME_TIME = 1;

export interface ModelDevice {
  readonly plan: DevicePlan;
  readonly chooser: Chooser;
}

/** @param depth requests whose data are written and not marked, at most */
export function modelDevice(pages: number, tracking: DmaTrackingKind, depth: number): ModelDevice {
  const random = new ChoosingRandom(pages);
  const plan: DevicePlan = {
    name: "device0",
    intervalCycles: SOME_TIME,
    latencyCycles: SOME_TIME,
    depth,
    requestPages: 1,
    first: 0,
    count: pages,
    order: "random",
    random,
    tracking,
    usedPage: pages - 1,
    mapsOnUse: tracking === "iommu",
    flushCycles: SOME_TIME,
  };
  return { plan, chooser: random };
}

/** As options of a small system. */
export function withDevice(
  pages: number,
  [tracking, depth]: readonly [DmaTrackingKind, number],
): { readonly device: ModelDevice; readonly devices: readonly DevicePlan[] } {
  const device = modelDevice(pages, tracking, depth);
  return { device, devices: [device.plan] };
}

function inFlight(truth: Words): boolean {
  return (truth["inFlight"] ?? []).some((word) => word !== 0);
}

/** Of a VM that is measured. @param harvests whether it is harvested while its device runs */
export function deviceProperties(system: System, harvests: boolean): Property[] {
  const toolstack = contextReader(system, "toolstack", toolstackMachine);
  const isLast = (state: ActorSnapshot): boolean =>
    state.value === "harvesting" && toolstack(state).drained === true;
  return [
    {
      kind: "always",
      name: LAST_HARVEST_AFTER_MARKS,
      when: over(["toolstack"], isLast),
      that: over([deviceName(), "vm0/truth"], (device: ActorSnapshot, truth: Words) => {
        return device.value === "stopped" && !inFlight(truth);
      }),
    },
    ...stoppedAtLast(system),
    ...(harvests && itemAt(system.world.vms, 0).guest.inFlight !== null
      ? [betweenWriteAndMark()]
      : []),
  ];
}

/** What every model of a VM with a device must do. */
export function stoppedAtLast(system: System): Property[] {
  const runState = contextReader(system, "runState", runStateMachine);
  const waits = (state: ActorSnapshot): boolean => itemAt(runState(state).vms, 0).asker !== 0;
  return [
    {
      kind: "leadsTo",
      name: DRAINED_AT_LAST,
      when: over(["runState"], waits),
      that: over(["runState"], (state: ActorSnapshot) => !waits(state)),
    },
  ];
}

/** What must be seen, or the model says nothing of the order of the two. */
export function betweenWriteAndMark(whose = "a device's"): Property {
  return {
    kind: "sometimes",
    name: `a harvest falls between ${whose} write and its mark`,
    that: over(["toolstack", "vm0/truth"], (toolstack: ActorSnapshot, truth: Words) => {
      return toolstack.value === "harvesting" && inFlight(truth);
    }),
  };
}

function deviceName(): string {
  return actorName({ kind: "ioDevice", vm: 0, device: 0 });
}
