/** What the data plane of a system is built from: a plan, in which everything is said. */
import type { ArmedTwice } from "../../machines/trackerContext.ts";
import type { Random } from "../../workloads/random.ts";
import type { Workload } from "../../workloads/workload.ts";
import type { Geometry } from "../hardware/geometry.ts";
import type { MmuOptions } from "../hardware/mmu.ts";
import type { GuestPagingName } from "../hardware/vmcs.ts";
import type { HypervisorCosts } from "../hypervisor/costs.ts";
import type { SlotsPlan } from "../hypervisor/slots/vmSlots.ts";
import type { TechniqueName } from "../hypervisor/techniques/technique.ts";
import type { TrackerFault } from "../hypervisor/trackedVm.ts";
import type { Unit } from "../units/unit.ts";

/** Accesses in a block, where nothing else is said. */
export const BLOCK_ACCESSES = 4096;

export interface WorldPlan {
  readonly geometry: Geometry;
  readonly pcpus: number;
  readonly vms: readonly VmPlan[];
  readonly mmu: MmuPlan;
  /** The page-logging units of its processors, in the order of their list. */
  readonly units: readonly Unit[];
  readonly tracking: TrackingPlan;
  /** Accesses that a vCPU takes from its workload at a time. */
  readonly blockAccesses: number;
}

/** The processor: what it can do is what the emulator can, and the rest is said. */
export type MmuPlan = Required<Omit<MmuOptions, "capabilities" | "units">>;

export interface VmPlan {
  readonly name: string;
  /** Guest-physical pages of data; those of the guest's own paging structures come on top. */
  readonly pages: number;
  readonly paging: GuestPagingName;
  /** Level of the EPT leaves that map the data: 1 = 4 KiB, 2 = 2 MiB, 3 = 1 GiB. */
  readonly leafLevel: 1 | 2 | 3;
  readonly keepVersions: boolean;
  /** Whether each access has its time by the clock, one gap after another, and what is late is caught up. */
  readonly waits: boolean;
  /** Pages of data, from the first, that have frames at the start. */
  readonly initialPages: number;
  /** KVM's memory slots; null: all of its memory is one, which nobody changes. */
  readonly slots: SlotsPlan | null;
  /** One workload for each vCPU. */
  readonly workloads: readonly Workload[];
  /** What writes its memory beside its vCPUs. */
  readonly devices: readonly DevicePlan[];
  /** What the hypervisor itself writes to it for its vCPUs; null: nothing. */
  readonly pv: PvPlan | null;
}

/**
 * Paravirtual pages: each time that a vCPU is loaded on a CPU the hypervisor writes its time stolen and its clock, in the
 * vCPU's own thread, and marks them (KVM record_steal_time, kvm_setup_guest_pvclock).
 */
export interface PvPlan {
  /** By vCPU of the VM: the pages that are written for it. */
  readonly pages: readonly (readonly number[])[];
  /** From the write to the mark. */
  readonly latencyCycles: number;
}

/**
 * Who knows of what a device writes: who emulates it, and marks it; a vhost back end, which emulates it elsewhere and has a
 * log of its own; the IOMMU behind which it is; nobody, and every page
 * that it can reach counts as dirty at each harvest (QEMU's VFIO without tracking); nobody, and the VM cannot be tracked
 * (Xen, paging_log_dirty_enable).
 */
export const DMA_TRACKINGS = ["vmm", "vhost", "iommu", "allDirty", "none"] as const;
export type DmaTrackingKind = (typeof DMA_TRACKINGS)[number];

/** Whether software marks what a device writes. */
export function isMarkedBySoftware(tracking: DmaTrackingKind): boolean {
  return tracking === "vmm" || tracking === "vhost";
}

export interface DevicePlan {
  readonly name: string;
  /** From one request to the next; and from the write of a request's data to their mark. */
  readonly intervalCycles: number;
  readonly latencyCycles: number;
  /** Requests whose data are written and not marked, at most. */
  readonly depth: number;
  /** Neighbouring pages that a request writes. */
  readonly requestPages: number;
  /** The pages that it writes: of the VM's data. */
  readonly first: number;
  readonly count: number;
  readonly order: "sequential" | "random";
  readonly random: Random;
  readonly tracking: DmaTrackingKind;
  /** With vhost: the page of the queue's used ring, which each completion writes. */
  readonly usedPage: number;
  /** Pages get their entry in the IOMMU when a request first goes to them, and not all at the start. */
  readonly mapsOnUse: boolean;
  /** Of a flush of the IOTLB. */
  readonly flushCycles: number;
}

/** How VMs are tracked, as far as memory must be prepared for it. */
export interface TrackingPlan {
  readonly technique: TechniqueName;
  readonly costs: HypervisorCosts;
  /** Logs that can be allotted in all; negative = without limit. */
  readonly logLimit: number;
  /** Entries of a dirty ring, a power of two; those kept in reserve; and what feeds it. */
  readonly ringEntries: number;
  readonly ringReserved: number;
  /** Write protection, or the unit that feeds it. */
  readonly ringSource: string;
  /** As KVM does: large leaves come back when tracking ends, and are split when it begins; dirty bitmaps begin with all bits set. */
  readonly largePagesReturn: boolean;
  readonly splitEagerly: boolean;
  readonly initiallySet: boolean;
  /** As Xen does: the types of all pages change where they are touched. */
  readonly lazyTypes: boolean;
  /** KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, of VMs with memory slots: a GET takes nothing, and CLEAR follows. */
  readonly manualProtect: boolean;
  /** Whose answer an armed tracker gives to another arm. */
  readonly armedTwice: ArmedTwice;
  /** What is said in techniques' sections, by their names. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Entries that a tracker handles between two moments at which others have their turn; 0: all. */
  readonly preemptEvery: number;
  readonly faults: readonly TrackerFault[];
}
