/** What the devices of a system have written to memory, and what of it was marked: for people and programs. */
import { ioDeviceMachine } from "../../machines/ioDevice.ts";
import { itemAt } from "../lookup.ts";
import { contextOf } from "./actorContexts.ts";
import type { System } from "./system.ts";
import type { DmaTrackingKind } from "./worldPlan.ts";

/** Of one device. Pages are counted as often as they are written. */
export interface DeviceWork {
  readonly vm: string;
  readonly device: string;
  readonly tracking: DmaTrackingKind;
  readonly pagesWritten: number;
  /** By software; null: nobody marks what it writes. */
  readonly pagesMarked: number | null;
}

/** Null if no VM has a device. */
export function deviceWork({ actors, world }: System): readonly DeviceWork[] | null {
  const work = actors.flatMap((actor): DeviceWork[] => {
    const { role } = actor;
    if (role.kind !== "ioDevice") return [];
    const { config, devices } = itemAt(world.vms, role.vm);
    const { name, tracking } = itemAt(devices, role.device).plan;
    const { pagesWritten, pagesMarked, isMarked } = contextOf(actor, ioDeviceMachine);
    const marked = isMarked ? pagesMarked : null;
    return [{ vm: config.name, device: name, tracking, pagesWritten, pagesMarked: marked }];
  });
  return work.length === 0 ? null : work;
}
