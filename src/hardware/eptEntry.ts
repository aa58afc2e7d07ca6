/**
 * One EPT paging-structure entry: bits (SDM vol. 3C, 28.2.2, tables 28-1 to 28-7) and the predicates
 * that the walk asks. All of them work on the low and the high word.
 */

export const EPT_READ = 1 << 0;
export const EPT_WRITE = 1 << 1;
export const EPT_EXECUTE = 1 << 2;
export const EPT_RWX = EPT_READ | EPT_WRITE | EPT_EXECUTE;
/** Bits 5:3 of a leaf. */
export const EPT_MEMORY_TYPE_SHIFT = 3;
export const EPT_LARGE = 1 << 7;
export const EPT_ACCESSED = 1 << 8;
export const EPT_DIRTY = 1 << 9;
/** Execute access for user-mode linear addresses, with mode-based execute control only. */
export const EPT_USER_EXECUTE = 1 << 10;
/** Write-back, the memory type of ordinary RAM. */
export const MEMORY_TYPE_WB = 6;

/** What the processor can do: it decides which bits are reserved. */
export interface EptCapabilities {
  /** IA32_VMX_EPT_VPID_CAP bit 0: entries may be execute-only. */
  readonly executeOnly: boolean;
  /** Bit 16. */
  readonly pages2M: boolean;
  /** Bit 17. */
  readonly pages1G: boolean;
}

/** Whether an entry at `level` (1 = PT) maps a page instead of naming a table. */
export function isLeaf(low: number, level: number): boolean {
  return level === 1 || (level <= 3 && (low & EPT_LARGE) !== 0);
}

/**
 * Whether a present entry is misconfigured (SDM 28.2.3.1). The caller has decided that it is present:
 * a not-present entry is a violation, whatever its other bits.
 * @param indexBits log2 of entries per table; @param physicalBits MAXPHYADDR
 * @param likeBochs whether bit 12 of a large page is ignored, as Bochs translate_guest_physical does
 */
export function isMisconfigured(
  low: number,
  high: number,
  level: number,
  indexBits: number,
  physicalBits: number,
  capabilities: EptCapabilities,
  likeBochs: boolean,
): boolean {
  // Write access without read access, with or without execute.
  if ((low & (EPT_READ | EPT_WRITE)) === EPT_WRITE) return true;
  if ((low & (EPT_READ | EPT_WRITE)) === 0 && !capabilities.executeOnly) return true;
  // Bits 51:MAXPHYADDR are reserved at every level.
  if (physicalBits < 52 && (high & 0xfffff) >>> (physicalBits - 32) !== 0) return true;
  if (isLeaf(low, level)) {
    const memoryType = (low >>> EPT_MEMORY_TYPE_SHIFT) & 7;
    if (memoryType === 2 || memoryType === 3 || memoryType === 7) return true;
    if (level === 2 && !capabilities.pages2M) return true;
    if (level === 3 && !capabilities.pages1G) return true;
    // The page-frame bits below the page size must be 0.
    const offsetBits = (level - 1) * indexBits;
    return ((low >>> 12) & ((1 << offsetBits) - 1) & (likeBochs ? ~1 : ~0)) !== 0;
  }
  // Non-leaf: bits 6:3 are reserved; bit 7 as well where no page of that size can exist.
  return (low & 0x78) !== 0 || (level > 3 && (low & EPT_LARGE) !== 0);
}
