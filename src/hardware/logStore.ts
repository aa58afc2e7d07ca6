/** Where the entries of a page log are, and how a processor stores one. Which slot an entry gets is its unit's rule. */
import { type Geometry, logFrames } from "./geometry.ts";
import { chargeLogStore, type Mmu } from "./mmu.ts";
import { Field, type Vmcs } from "./vmcs.ts";
import { pageAddressHigh, pageAddressLow, pageOfWords } from "./words.ts";

/**
 * Stores a GPA in slot `slot` of log `log` of the current VMCS. The store goes to host-physical memory, whatever is
 * there: it passes no EPT, sets no flag, and is not logged itself.
 */
export function storeLogEntry(mmu: Mmu, log: number, slot: number, page: number): void {
  const frame = logFrameOf(mmu.vmcs, mmu.geometry, log, slot);
  const index = slot & ((1 << mmu.indexBits) - 1);
  mmu.memory.storeEntry(frame, index, pageAddressLow(page), pageAddressHigh(page));
  chargeLogStore(mmu);
}

/**
 * Host frame that holds a slot of a log of a VMCS: logs lie one after the other from the log's address on,
 * anywhere below MAXPHYADDR, so that the number may have 40 bits.
 */
export function logFrameOf(vmcs: Vmcs, geometry: Geometry, log: number, slot: number): number {
  const low = vmcs.words[2 * Field.logAddress]!;
  const high = vmcs.words[2 * Field.logAddress + 1]!;
  // One log store may be paid for each walk: below 8 TiB the number is kept a word.
  const first = high >>> 11 === 0 ? pageOfWords(low, high) : (low >>> 12) + (high >>> 0) * 2 ** 20;
  const others = log === 0 ? 0 : log * logFrames(geometry);
  return first + others + (slot >>> geometry.indexBits);
}
