/** What a tracking technique works on: the memory of one VM, as the hypervisor sees it. */
import type { Ept } from "../hardware/ept.ts";
import type { Vmcs } from "../hardware/vmcs.ts";
import type { UnitFault } from "../units/all.ts";
import { UNIT_FAULTS } from "../units/all.ts";
import type { Unit } from "../units/unit.ts";
import type { HypervisorCosts } from "./costs.ts";
import type { CumulativeBuffer } from "./cumulativeBuffer.ts";
import type { DirtyBitmap } from "./dirtyBitmap.ts";
import type { DirtyRing } from "./dirtyRing.ts";
import type { DmaTracking } from "./dma.ts";
import type { LogPages } from "./logPages.ts";
import { SLOT_FAULTS, type SlotFault } from "./slots/slotFaults.ts";
import type { VmSlots } from "./slots/vmSlots.ts";
import type { TableWork } from "./tableWork.ts";

/**
 * Ways to lose a page that hypervisors have really had; all off unless a scenario asks. tornEntries: an entry is read in
 * one piece of a scan and written back in the next, and not exchanged at once: what the processor sets in it meanwhile
 * is lost (KVM clears flags of such entries by an atomic AND: tdp_mmu_clear_spte_bits in arch/x86/kvm/mmu/tdp_iter.h).
 * protectedBeforeTaken: a harvest arms all pages first, and takes their bits then: one that is written in between is taken,
 * and may be written again without a fault (Linux commit edde99ce0529).
 */
const FAULTS = ["skipInvept", "harvestBeforeDrain", "tornEntries", "protectedBeforeTaken"] as const;
export type TrackerFault = (typeof FAULTS)[number] | UnitFault | SlotFault;
export const TRACKER_FAULTS: readonly TrackerFault[] = [
  "skipInvept",
  "harvestBeforeDrain",
  ...UNIT_FAULTS,
  "tornEntries",
  "protectedBeforeTaken",
  ...SLOT_FAULTS,
];

export interface TrackedVcpu {
  readonly vcpu: number;
  readonly vmcs: Vmcs;
  readonly ring: DirtyRing;
}

export interface TrackedVm {
  readonly ept: Ept;
  /** Pages found dirty, and pages found accessed, in this round. */
  readonly dirty: DirtyBitmap;
  readonly touched: DirtyBitmap;
  /** With present-bit invalidation of chosen pages, these; empty when every page takes part. */
  readonly sampled: DirtyBitmap;
  /** The pages of the last harvest, as the operation that asked for it was given them. */
  readonly handedOver: DirtyBitmap;
  /** How often each page was logged, by a unit that logs accesses. */
  readonly buffer: CumulativeBuffer;
  readonly vcpus: readonly TrackedVcpu[];
  /** KVM's memory slots, where a scenario gives the VM some; null: all of its memory is one, which nobody changes. */
  readonly slots: VmSlots | null;
  readonly logs: LogPages;
  readonly costs: HypervisorCosts;
  /** The page-logging units of the processors, in the order of their list. */
  readonly units: readonly Unit[];
  /** The unit that feeds the dirty ring; null: write protection does. */
  readonly ringUnit: Unit | null;
  /** Level of the leaves that tracking splits and its end makes again (KVM); 1 = they stay split (Xen). */
  readonly mergedLevel: number;
  /** Large leaves are split when they are armed, and not by the first write to each (KVM's eager_page_split). */
  readonly splitsEagerly: boolean;
  /** Pages are armed, and become ordinary again, at their first access (lazyTypes.ts). */
  readonly lazyTypes: boolean;
  /** KVM_DIRTY_LOG_INITIALLY_SET: the first round reports every page, and nothing is armed before its end. */
  readonly initiallySet: boolean;
  /** What a scenario says in the techniques' sections, by their names. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Numbers that a tracker of a user's keeps; empty for others. */
  readonly own: Float64Array;
  /** How what its devices write is known, where software does not mark it; null: there is no such device. */
  readonly dma: DmaTracking | null;
  /** The work on the table that is under way, and how much of it is done at a time. */
  readonly work: TableWork;
  readonly faults: readonly TrackerFault[];
}
