/** One guest paging-structure entry, PAE and 4-level format (SDM vol. 3A 4.4 and 4.5). */
export const GUEST_PRESENT = 1 << 0;
export const GUEST_WRITE = 1 << 1;
export const GUEST_USER = 1 << 2;
export const GUEST_ACCESSED = 1 << 5;
export const GUEST_DIRTY = 1 << 6;
export const GUEST_LARGE = 1 << 7;
/** Bit 63, in the high word. */
export const GUEST_NO_EXECUTE_HIGH = 1 << 31;

/** #PF error code (SDM vol. 3A 4.7). */
export const PageFault = {
  protection: 1 << 0,
  write: 1 << 1,
  user: 1 << 2,
  reserved: 1 << 3,
  fetch: 1 << 4,
} as const;
