/** Intel PML: what the processor does when a walk sets a dirty flag (SDM vol. 3C 28.2.6). */
import { chargeLogStore, type Mmu, storeWord } from "./mmu.ts";
import { Field, readField, writeField } from "./vmcs.ts";
import { pageAddressHigh, pageAddressLow, pageOfWords } from "./words.ts";

/** Whether the guest PML index is outside 0..entries-1: the next event that needs a flag exits. */
export function pmlIsFull(mmu: Mmu): boolean {
  return (readField(mmu.vmcs, Field.pmlIndex) & 0xffff) >= mmu.geometry.logEntries;
}

/**
 * Writes one entry at PML address + 8 x index and decrements the index; 0 wraps to 0xFFFF. The store
 * goes to host-physical memory: it passes no EPT, sets no flag, and is not logged itself.
 */
export function pmlLog(mmu: Mmu, page: number): void {
  const index = readField(mmu.vmcs, Field.pmlIndex) & 0xffff;
  const entry = logEntryWord(mmu, index);
  storeWord(mmu.memory, entry, pageAddressLow(page));
  storeWord(mmu.memory, entry + 1, pageAddressHigh(page));
  writeField(mmu.vmcs, Field.pmlIndex, (index - 1) & 0xffff, 0);
  chargeLogStore(mmu);
}

/** Word index in memory of entry `index` of the log that the current VMCS names. */
export function logEntryWord(mmu: Mmu, index: number): number {
  const words = mmu.vmcs.words;
  const frame = pageOfWords(words[2 * Field.pmlAddress]!, words[2 * Field.pmlAddress + 1]!);
  return frame * mmu.memory.frameWords + 2 * index;
}
