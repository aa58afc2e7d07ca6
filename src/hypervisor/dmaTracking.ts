/**
 * How a hypervisor comes to know of what devices of a VM write, where it does not emulate them: from the log of a vhost back
 * end; from the flags of an IOMMU, which a harvest reads and clears; or not at all, and then every page that they can reach counts as dirty at each harvest (QEMU's
 * VFIO without dirty tracking).
 */
import { flushIotlb, startNoting, takeDirty } from "../hardware/iommu.ts";
import { markWritten } from "./deviceWrites.ts";
import type { DmaTracking } from "./dma.ts";
import type { Technique } from "./techniques/technique.ts";
import type { TrackedVm } from "./trackedVm.ts";
import { startVhostLog, takeVhostLog } from "./vhostLog.ts";

export function startDmaTracking({ iommu, vhost }: DmaTracking): void {
  if (iommu !== null) startNoting(iommu);
  if (vhost !== null) startVhostLog(vhost);
}

/**
 * Moves what is known into the VM's bitmaps. The IOTLB is flushed once, when all flags are read, and before any page is
 * (iommufd GET_DIRTY_BITMAP). Returns the cycles.
 */
export function collectDma(
  { iommu, vhost, flushCycles, untracked }: DmaTracking,
  vm: TrackedVm,
  technique: Technique,
): number {
  for (const { first, count } of untracked) {
    for (let page = first; page < first + count; page++) markWritten(page, vm, technique);
  }
  const looked =
    vhost === null ? 0 : takeVhostLog(vhost, (page) => markWritten(page, vm, technique));
  const cycles = looked * vm.costs.scanEntry;
  if (iommu === null) return cycles;
  const entries = takeDirty(iommu, (page) => markWritten(page, vm, technique));
  flushIotlb(iommu);
  return cycles + entries * vm.costs.protectPage + flushCycles;
}
