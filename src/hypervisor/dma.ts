/** What a hypervisor has of a VM's devices, where it does not emulate them (dmaTracking.ts). */
import type { IommuDomain } from "../hardware/iommu.ts";
import type { VhostLog } from "./vhostLog.ts";

/** Pages that a device can write. */
export interface DmaReach {
  readonly first: number;
  readonly count: number;
}

export interface DmaTracking {
  /** Null: no device is behind one that notes anything. */
  readonly iommu: IommuDomain | null;
  /** Null: no device of it is emulated by a vhost back end. */
  readonly vhost: VhostLog | null;
  /** Cycles of a flush of the IOTLB. */
  readonly flushCycles: number;
  /** What devices reach that nobody tracks. */
  readonly untracked: readonly DmaReach[];
}
