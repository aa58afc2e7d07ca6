/** The devices of a scenario's VMs, planned; and what of them cannot be. */
import { deriveSeed, Random } from "../../../workloads/random.ts";
import type { Workload } from "../../../workloads/workload.ts";
import { CYCLES_PER_SECOND, parseDuration } from "../../config/units.ts";
import type { Problems } from "../../errors.ts";
import { DEVICE_DEFAULTS, type DeviceConfig } from "../deviceSchema.ts";
import type { Scenario } from "../scenarioSchema.ts";
import {
  type DevicePlan,
  DMA_TRACKINGS,
  type DmaTrackingKind,
  isMarkedBySoftware,
} from "../worldPlan.ts";
import { PAGE_BYTES } from "./memoryText.ts";

type Vm = Scenario["vms"][number];

function defaultCycles(text: string): number {
  return parseDuration(text) ?? 0;
}

/** The VM that a device is planned for. */
export interface DeviceOwner {
  readonly vm: Vm;
  readonly number: number;
  readonly name: string;
  /** Of its data. */
  readonly pages: number;
  readonly workloads: readonly Workload[];
  readonly seed: number;
}

/** @param more that are not the VM's own, but write as its devices do */
export function devicePlans(
  owner: DeviceOwner,
  more: readonly DevicePlan[],
  problems: Problems,
): readonly DevicePlan[] {
  const { vm, number, name, workloads } = owner;
  const { devices = [] } = vm;
  if (devices.length > 0 && workloads.some(({ machine }) => machine !== undefined)) {
    problems.addWhole(
      ["vms", number, "devices"],
      `VM "${name}": its guest is a machine that has its devices; expected none`,
    );
  }
  if (devices.length > 0 && vm.slots !== undefined) {
    problems.addWhole(
      ["vms", number, "devices"],
      `VM "${name}": devices write where the VM has memory at all times; expected no "slots" beside them`,
    );
  }
  const plans = devices.map((device, i) => planOf(owner, device, i, problems));
  plans.forEach((plan, i) => {
    const others = [...plans.slice(0, i), ...more];
    if (others.every((one) => one.name !== plan.name)) return;
    problems.addWhole(
      ["vms", number, "devices", i, "name"],
      `VM "${name}": two devices are called "${plan.name}"`,
    );
  });
  return [...plans, ...more];
}

function planOf(
  { number, name: vm, pages, seed }: DeviceOwner,
  device: DeviceConfig,
  i: number,
  problems: Problems,
): DevicePlan {
  const { rate, request: requestPages, order, region = {}, tracking, latency, depth } = device;
  const name = device.name ?? `device${i}`;
  const refuse = (field: string, message: string): void =>
    problems.addWhole(
      ["vms", number, "devices", i, field],
      `VM "${vm}", device "${name}": ${message}`,
    );
  const refuseUnread = (
    readers: readonly DmaTrackingKind[],
    fields: Readonly<Record<string, unknown>>,
  ): void => {
    for (const [field, value] of Object.entries(fields)) {
      if (readers.includes(tracking) || value === undefined) continue;
      refuse(field, `is not read with tracking "${tracking}": expected ${readers.join(" or ")}`);
    }
  };
  const first = region.from ?? 0;
  const count = region.size ?? pages - first;
  if (first + count > pages || count <= 0) {
    refuse(
      "region",
      `its region ends at page ${first + Math.max(count, 1)}, the VM's memory has ${pages}`,
    );
  } else if (requestPages > count) {
    refuse("request", `a request of ${requestPages} pages, in a region of ${count}`);
  }
  const intervalCycles = Math.round((requestPages * PAGE_BYTES * CYCLES_PER_SECOND) / rate);
  if (intervalCycles < 1) refuse("rate", "more than a request each cycle; expected a lower rate");
  const usedPage = device.usedRing ?? pages - 1;
  if (usedPage >= pages) {
    refuse("usedRing", `page ${usedPage}, the VM's memory has ${pages}`);
  }
  refuseUnread(DMA_TRACKINGS.filter(isMarkedBySoftware), { latency, depth });
  refuseUnread(["vhost"], { usedRing: device.usedRing });
  refuseUnread(["iommu"], { mapping: device.mapping, iotlbFlush: device.iotlbFlush });
  return {
    name,
    intervalCycles,
    latencyCycles: latency ?? defaultCycles(DEVICE_DEFAULTS.latency),
    depth: depth ?? DEVICE_DEFAULTS.depth,
    requestPages,
    first,
    count,
    order,
    random: new Random(deriveSeed(seed, `${vm}/${name}`)),
    tracking,
    usedPage,
    mapsOnUse: device.mapping === "use",
    flushCycles: device.iotlbFlush ?? defaultCycles(DEVICE_DEFAULTS.iotlbFlush),
  };
}
