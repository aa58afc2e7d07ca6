/** How what a VM's devices write is known, made from what is planned. */
import { IommuDomain, mapForDma } from "../hardware/iommu.ts";
import type { Part } from "../hardware/part.ts";
import type { DmaTracking } from "../hypervisor/dma.ts";
import { VhostLog } from "../hypervisor/vhostLog.ts";
import type { DevicePlan } from "./worldPlan.ts";

/** Null where software marks whatever devices write. */
export function dmaTracking(
  name: string,
  pages: number,
  devices: readonly DevicePlan[],
): DmaTracking | null {
  const behindIommu = devices.filter(({ tracking }) => tracking === "iommu");
  const untracked = devices.filter(({ tracking }) => tracking === "allDirty");
  const vhost = devices.some(({ tracking }) => tracking === "vhost");
  if (behindIommu.length + untracked.length === 0 && !vhost) return null;
  return {
    // One for all back ends of a VM (QEMU vhost_log_get).
    vhost: vhost ? new VhostLog(`${name}/vhost`, pages) : null,
    iommu: behindIommu.length === 0 ? null : iommuOf(`${name}/iommu`, pages, behindIommu),
    // One flush of the domain.
    flushCycles: Math.max(0, ...behindIommu.map(({ flushCycles }) => flushCycles)),
    untracked,
  };
}

/** Its memory. */
export function dmaParts(dma: DmaTracking | null): Part[] {
  return [dma?.iommu ?? null, dma?.vhost ?? null].filter((part) => part !== null);
}

/** VFIO maps all of a VM's memory before the device runs; with a virtual IOMMU the guest's driver maps each buffer. */
function iommuOf(name: string, pages: number, devices: readonly DevicePlan[]): IommuDomain {
  const domain = new IommuDomain(name, pages);
  for (const { mapsOnUse, first, count } of devices) {
    for (let page = first; page < first + count && !mapsOnUse; page++) mapForDma(domain, page);
  }
  return domain;
}
