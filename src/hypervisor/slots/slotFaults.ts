/**
 * Mistakes that a VMM can make about memory slots, and real ones have made; off unless a scenario asks. slotDeletedUnharvested:
 * the log of a slot is not taken before the slot goes (QEMU's kvm_set_phys_mem takes it, accel/kvm/kvm-all.c).
 * slotLoggingDropped: who turns a slot's logging off does not ask whether others need it (QEMU's
 * memory_region_get_dirty_log_mask joins what all users want). slotMemoryUnseen: memory that comes to a new place, or is new,
 * is not counted as changed there. slotsInWrongPlace: the log of each slot is read as if the slots followed one another
 * without gaps (Firecracker's pull request 5696). slotArmedByPosition: the kernel takes the log of a slot by its number, and arms again the
 * pages of the slot that stands at this position in the order of addresses (Linux commit 69a1220060c1, of KVM on MIPS).
 */
export const SLOT_FAULTS = [
  "slotDeletedUnharvested",
  "slotLoggingDropped",
  "slotMemoryUnseen",
  "slotsInWrongPlace",
  "slotArmedByPosition",
] as const;
export type SlotFault = (typeof SLOT_FAULTS)[number];
