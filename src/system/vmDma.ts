/** How what a VM's devices write is known, made from what is planned. */
import { IommuDomain, mapForDma } from "../hardware/iommu.ts";
import type { DmaTracking } from "../hypervisor/dma.ts";
import type { DevicePlan } from "./worldPlan.ts";

/** Null where software marks whatever devices write. */
export function dmaTracking(
  name: string,
  pages: number,
  devices: readonly DevicePlan[],
): DmaTracking | null {
  const behindIommu = devices.filter(({ tracking }) => tracking === "iommu");
  const untracked = devices.filter(({ tracking }) => tracking === "allDirty");
  if (behindIommu.length + untracked.length === 0) return null;
  return {
    iommu: behindIommu.length === 0 ? null : iommuOf(`${name}/iommu`, pages, behindIommu),
    // One flush of the domain.
    flushCycles: Math.max(0, ...behindIommu.map(({ flushCycles }) => flushCycles)),
    untracked,
  };
}

/** VFIO maps all of a VM's memory before the device runs; with a virtual IOMMU the guest's driver maps each buffer. */
function iommuOf(name: string, pages: number, devices: readonly DevicePlan[]): IommuDomain {
  const domain = new IommuDomain(name, pages);
  for (const { mapsOnUse, first, count } of devices) {
    for (let page = first; page < first + count && !mapsOnUse; page++) mapForDma(domain, page);
  }
  return domain;
}
