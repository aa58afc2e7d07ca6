/**
 * A log of one page that is filled downwards by a 16-bit index: Intel's PML (SDM vol. 3C 28.2.5 and 28.2.6) and AMD's (APM
 * vol. 2 15.25.15). An index out of range, 0xFFFF among them, means that the log is full.
 */
import { storeLogEntry } from "../hardware/logStore.ts";
import type { Mmu } from "../hardware/mmu.ts";
import { Field, readField, writeField } from "../hardware/vmcs.ts";
import type { Slot, Unit, VmcsWords } from "./unit.ts";

/** Entries of 8 bytes in a page (Xen NR_PML_ENTRIES; KVM PML_LOG_NR_ENTRIES). */
export const PAGE_ENTRIES = 512;

/** Whether the index is outside 0..entries-1. */
export function isFull(mmu: Mmu): boolean {
  return (readField(mmu.vmcs, Field.logIndex) & 0xffff) >= mmu.geometry.logEntries;
}

/** Writes one entry at the log's address + 8 x index and decrements the index; 0 wraps to 0xFFFF. */
export function logDownwards(mmu: Mmu, page: number): void {
  const index = readField(mmu.vmcs, Field.logIndex) & 0xffff;
  storeLogEntry(mmu, 0, index, page);
  writeField(mmu.vmcs, Field.logIndex, (index - 1) & 0xffff, 0);
}

function indexOf({ words }: VmcsWords): number {
  return (words[2 * Field.logIndex] ?? 0) & 0xffff;
}

/** What a unit of such a log says of its slots. */
export const SHORT_INDEX_SLOTS: Pick<
  Unit,
  "usedSlots" | "isIndexValid" | "nextSlots" | "shownIndex" | "empty"
> = {
  /** An index out of range means that all entries are used (Xen ept_vcpu_flush_pml_buffer; KVM kvm_flush_pml_buffer). */
  usedSlots(vmcs, log, { logEntries }) {
    if (log !== 0) return [0, 0];
    const index = indexOf(vmcs);
    return [index >= logEntries ? 0 : index + 1, logEntries];
  },
  isIndexValid: (vmcs, { logEntries }) => indexOf(vmcs) < logEntries || indexOf(vmcs) === 0xffff,
  nextSlots(vmcs, count) {
    const index = indexOf(vmcs);
    return Array.from({ length: count }, (_, i): Slot => [0, index - i]);
  },
  shownIndex: indexOf,
  empty: (vmcs, { logEntries }) => writeField(vmcs, Field.logIndex, logEntries - 1, 0),
};
