/**
 * Arm's hardware dirty state tracking structure, FEAT_HDBSS (Arm ARM D8.5.2.3): what a PE does when stage 2 makes a page
 * dirty. HDBSSBR_EL2 is the log's address with its size in bits 3:0, HDBSSPROD_EL2 its index, bits 18:0, with FSC in 31:26.
 */
import { isTooWide } from "../../hardware/controlChecks.ts";
import type { Geometry } from "../../hardware/geometry.ts";
import { chargeLogStore, type LogUnit, type Mmu, type TransitionLog } from "../../hardware/mmu.ts";
import { Field, readField, type Vmcs, writeField } from "../../hardware/vmcs.ts";
import { pageAddressHigh, pageAddressLow, pageOfWords } from "../../hardware/words.ts";

/** VTCR_EL2.HDBSS; among the secondary controls here. */
export const SECONDARY_HDBSS = 1 << 24;
/** An abort from stage 2 whose ESR_EL2 has HDBSSF. Not a number of Arm's, as that of other aborts (formats/stage2.ts). */
export const HDBSS_FULL = 0x825;
/** ISS2.HDBSSF, bit 11: bit 43 of ESR_EL2. */
const HDBSSF = 1 << 11;

/** HDBSSBR_EL2.SZ: the log has 2^SZ times the shortest one's entries, up to 2 MiB with 9. Larger values are reserved. */
const SIZE = 0xf;
export const SIZE_MAX = 9;
/** HDBSSPROD_EL2. The longest log has 2^18 entries: its index never wraps. */
export const INDEX = 0x7ffff;
const FSC_SHIFT = 26;
/** FSC: a synchronous external abort on the store of an entry. */
const EXTERNAL_ABORT = 0b010000;

/** An entry: the address in bits 55:12, TTWL in 3:1, and that it is valid. Arm's levels are 4 minus ours. */
export const VALID = 1;
const LEVELS = 4;
const LEVEL_SHIFT = 1;
const LEVEL_MASK = 7;
const LEVEL_SIGN = 4;

/** log2 of the lengths that the log may be of, beyond the shortest. */
export function sizeOf(base: number): number {
  return Math.min(base & SIZE, SIZE_MAX);
}

/** Entries of a log. A page holds 512 of them on the real machine; a scenario's log is of one size, which the geometry has. */
export function entriesOf(base: number, { logEntries }: Geometry): number {
  return logEntries * 2 ** sizeOf(base);
}

/** Unsigned: any index that software writes beyond the log makes it full; and after an error nothing is stored. */
function isOut(vmcs: Vmcs, geometry: Geometry): boolean {
  const produced = readField(vmcs, Field.logIndex);
  if (produced >>> FSC_SHIFT !== 0) return true;
  return (produced & INDEX) >= entriesOf(readField(vmcs, Field.logAddress), geometry);
}

/**
 * Asked before any state is changed. What cannot be stored is said in FSC, and the page stays clean (D8.5.2.3, where an
 * implementation may also report it as an external abort, and may have made the page dirty).
 */
function isFull({ vmcs, geometry }: Mmu): boolean {
  if (isOut(vmcs, geometry)) return true;
  if (!isTooWide(vmcs, Field.logAddress, geometry)) return false;
  const index = readField(vmcs, Field.logIndex) & INDEX;
  writeField(vmcs, Field.logIndex, (EXTERNAL_ABORT << FSC_SHIFT) | index, 0);
  return true;
}

/** The frame of an entry: the low bits of the base are those of the log's size, and zeros (D24.2, HDBSSBR_EL2.BADDR). */
export function frameOf(vmcs: Vmcs, index: number, indexBits: number): number {
  const low = readField(vmcs, Field.logAddress);
  const first = pageOfWords(low, vmcs.words[2 * Field.logAddress + 1] ?? 0);
  return (first & ~((1 << sizeOf(low)) - 1)) + (index >>> indexBits);
}

/** Of an entry, our number of the level that it names, which is none of its own if it is not 1 to 4. */
export function levelOf(entry: number): number {
  const ttwl = (entry >>> LEVEL_SHIFT) & LEVEL_MASK;
  // A signed field of three bits.
  return LEVELS - ((ttwl ^ LEVEL_SIGN) - LEVEL_SIGN);
}

/** Upwards. The entry names the page or block that became dirty, and its level. */
function append(mmu: Mmu, page: number, level: number): void {
  const { vmcs, memory, indexBits } = mmu;
  const index = readField(vmcs, Field.logIndex);
  const first = page & ~((1 << ((level - 1) * indexBits)) - 1);
  const ttwl = (LEVELS - level) & LEVEL_MASK;
  const low = pageAddressLow(first) | (ttwl << LEVEL_SHIFT) | VALID;
  const slot = index & ((1 << indexBits) - 1);
  memory.storeEntry(frameOf(vmcs, index, indexBits), slot, low, pageAddressHigh(first));
  chargeLogStore(mmu);
  writeField(vmcs, Field.logIndex, index + 1, 0);
}

const log: TransitionLog = {
  logs: "transitions",
  // AF is set, and what is dirty written, whatever the log is.
  gatesAccessed: false,
  exitReason: HDBSS_FULL,
  faultHigh: HDBSSF,
  isFull,
  log: append,
};

/** @param isThere ID_AA64MMFR1_EL1.HAFDBS is 4, and SCR_EL3.HDBSSEn is set */
export function hdbssUnit(isThere: boolean): LogUnit {
  return {
    name: "hdbss",
    controls: SECONDARY_HDBSS,
    selectedBy: SECONDARY_HDBSS,
    // Effective with VTCR_EL2.HA and HD.
    needsFlags: true,
    index: { bits: 32, signed: false },
    log,
    // An ERET asks nothing of the registers. Where the unit is not there the control is a bit that does nothing: here it is reserved.
    failure: () => (isThere ? null : "hdbss-not-supported"),
  };
}
