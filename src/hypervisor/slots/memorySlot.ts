/**
 * KVM's memory slots: which pieces of guest-physical memory there are, what may be changed of them, and with which error
 * the rest is refused (virt/kvm/kvm_main.c, kvm_set_memory_region; Documentation/virt/kvm/api.rst 4.35).
 */
import { itemAt } from "../../lookup.ts";
import type { DirtyBitmap } from "../dirtyBitmap.ts";

/** Errors of KVM's calls, by their names. */
export type KvmError = "EINVAL" | "EEXIST" | "ENOENT" | "ENXIO" | "E2BIG";

/** KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY: the flags that KVM_SET_USER_MEMORY_REGION knows. */
export const SlotFlag = { log: 1, readOnly: 2 } as const;
const KNOWN_FLAGS = SlotFlag.log | SlotFlag.readOnly;
export const PAGE_BYTES = 4096;
/** KVM_USER_MEM_SLOTS: those above are KVM's own on x86 (KVM_INTERNAL_MEM_SLOTS 3 of 32,767). */
export const SLOTS_MAX = 32_764;
/** KVM_MEM_MAX_NR_PAGES. */
const PAGES_MAX = 2 ** 31 - 1;

/** What KVM_SET_USER_MEMORY_REGION is given: addresses and sizes in bytes. */
export interface MemoryRegion {
  readonly slot: number;
  /** Bits of SlotFlag. */
  readonly flags: number;
  readonly guestAddress: number;
  readonly bytes: number;
  /** In the address space of the VMM. */
  readonly userAddress: number;
}

export interface MemorySlot {
  readonly id: number;
  readonly flags: number;
  /** The first guest-physical page, and the VMM's page that is behind it. */
  readonly firstPage: number;
  readonly userPage: number;
  readonly pages: number;
  /** Pages from the slot's first one on; null while nothing is kept. */
  readonly bitmap: DirtyBitmap | null;
}

export type SlotChange = "create" | "delete" | "move" | "flags" | "nothing";

export function logsWrites({ flags }: MemorySlot): boolean {
  return (flags & SlotFlag.log) !== 0;
}

export function isReadOnly({ flags }: MemorySlot): boolean {
  return (flags & SlotFlag.readOnly) !== 0;
}

/**
 * The slot that a guest-physical page is in, or null: then an access is one to a device (KVM_EXIT_MMIO).
 * @param slots in the order of their pages
 */
export function slotOfPage(slots: readonly MemorySlot[], page: number): MemorySlot | null {
  let [low, high] = [0, slots.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (itemAt(slots, middle).firstPage <= page) low = middle + 1;
    else high = middle;
  }
  const slot = low === 0 ? null : itemAt(slots, low - 1);
  return slot !== null && page - slot.firstPage < slot.pages ? slot : null;
}

/** What a region would change of the slots, or KVM's error; the checks are in KVM's order. */
export function changeOf(
  slots: ReadonlyMap<number, MemorySlot>,
  region: MemoryRegion,
): SlotChange | KvmError {
  const { slot: id, flags, guestAddress, bytes, userAddress } = region;
  if ((flags & ~KNOWN_FLAGS) !== 0) return "EINVAL";
  if ([bytes, guestAddress, userAddress].some((value) => value % PAGE_BYTES !== 0)) return "EINVAL";
  if (id >= SLOTS_MAX || bytes / PAGE_BYTES > PAGES_MAX) return "EINVAL";
  const old = slots.get(id);
  if (bytes === 0) return old === undefined ? "EINVAL" : "delete";
  const change = old === undefined ? "create" : changeOfExisting(old, region);
  if (change !== "create" && change !== "move") return change;
  const overlaps = [...slots.values()].some((other) => other.id !== id && meets(other, region));
  return overlaps ? "EEXIST" : change;
}

/** Size, user address and READONLY of a slot stay what they are. */
function changeOfExisting(
  old: MemorySlot,
  { flags, guestAddress, bytes, userAddress }: MemoryRegion,
): SlotChange | KvmError {
  if (bytes !== old.pages * PAGE_BYTES || userAddress !== old.userPage * PAGE_BYTES)
    return "EINVAL";
  if (((flags ^ old.flags) & SlotFlag.readOnly) !== 0) return "EINVAL";
  if (guestAddress !== old.firstPage * PAGE_BYTES) return "move";
  return flags === old.flags ? "nothing" : "flags";
}

function meets(slot: MemorySlot, { guestAddress, bytes }: MemoryRegion): boolean {
  const first = guestAddress / PAGE_BYTES;
  return first < slot.firstPage + slot.pages && slot.firstPage < first + bytes / PAGE_BYTES;
}

/** The slot that a region describes, with the bitmap that it has from now on. */
export function slotOf(region: MemoryRegion, bitmap: DirtyBitmap | null): MemorySlot {
  return {
    id: region.slot,
    flags: region.flags,
    firstPage: region.guestAddress / PAGE_BYTES,
    userPage: region.userAddress / PAGE_BYTES,
    pages: region.bytes / PAGE_BYTES,
    bitmap,
  };
}
