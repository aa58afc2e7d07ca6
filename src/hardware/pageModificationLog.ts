/** Intel PML: what the processor does when a walk sets a dirty flag (SDM vol. 3C 28.2.6). */
import { type Geometry, logFrames } from "./geometry.ts";
import { chargeLogStore, type Mmu } from "./mmu.ts";
import { Field, readField, type Vmcs, writeField } from "./vmcs.ts";
import { pageAddressHigh, pageAddressLow, pageOfWords } from "./words.ts";

/** Whether the guest PML index is outside 0..entries-1: the next event that needs a flag exits. */
export function pmlIsFull(mmu: Mmu): boolean {
  return (readField(mmu.vmcs, Field.pmlIndex) & 0xffff) >= mmu.geometry.logEntries;
}

/**
 * Writes one entry at PML address + 8 x index and decrements the index; 0 wraps to 0xFFFF. The store
 * goes to host-physical memory, whatever is there: it passes no EPT, sets no flag, and is not logged itself.
 */
export function pmlLog(mmu: Mmu, page: number): void {
  const index = readField(mmu.vmcs, Field.pmlIndex) & 0xffff;
  storeLogEntry(mmu, 0, index, page);
  writeField(mmu.vmcs, Field.pmlIndex, (index - 1) & 0xffff, 0);
}

/** Stores a GPA in slot `slot` of log `log` of the current VMCS. */
export function storeLogEntry(mmu: Mmu, log: number, slot: number, page: number): void {
  const frame = logFrameOf(mmu.vmcs, mmu.geometry, log, slot);
  const index = slot & ((1 << mmu.indexBits) - 1);
  mmu.memory.storeEntry(frame, index, pageAddressLow(page), pageAddressHigh(page));
  chargeLogStore(mmu);
}

/**
 * Host frame that holds a slot of a log of a VMCS: logs lie one after the other from the PML address on,
 * anywhere below MAXPHYADDR, so that the number may have 40 bits.
 */
export function logFrameOf(vmcs: Vmcs, geometry: Geometry, log: number, slot: number): number {
  const low = vmcs.words[2 * Field.pmlAddress]!;
  const high = vmcs.words[2 * Field.pmlAddress + 1]!;
  // One log store may be paid for each walk: below 8 TiB the number is kept a word.
  const first = high >>> 11 === 0 ? pageOfWords(low, high) : (low >>> 12) + (high >>> 0) * 2 ** 20;
  const others = log === 0 ? 0 : log * logFrames(geometry);
  return first + others + (slot >>> geometry.indexBits);
}
