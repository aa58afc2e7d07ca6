/**
 * The sizes of the emulated hardware. Every structure takes them from here, so that a checker can
 * explore a machine of three pages and a one-entry log with the code that a 64 GiB run uses.
 */

/** One level of a set-associative TLB. */
export interface TlbLevelGeometry {
  /** A power of two. */
  readonly sets: number;
  readonly ways: number;
}

export interface TlbGeometry {
  /** First level, 4 KiB mappings. */
  readonly l1: TlbLevelGeometry;
  /** First level, 2 MiB mappings (a larger mapping is cached in 2 MiB pieces). */
  readonly l1Large: TlbLevelGeometry;
  /** Second level, both sizes. */
  readonly l2: TlbLevelGeometry;
}

export interface Geometry {
  /** Levels of the EPT: 4, or 5 with 5-level EPT; 1 to 3 in small machines. */
  readonly eptLevels: number;
  /** Levels of a long-mode guest's paging structures. */
  readonly guestLevels: number;
  /** log2 of the entries in one paging structure: 9 on the real machine. */
  readonly indexBits: number;
  /** Entries of a PML or PRL log: 512 on the real machine. */
  readonly logEntries: number;
  readonly tlb: TlbGeometry;
  /**
   * Physical-address width (MAXPHYADDR). Page numbers are signed words: with more than 43 bits, an access that
   * meets an address beyond them is refused (AddressNotHeldError). Only logs may lie there.
   */
  readonly physicalAddressBits: number;
}

/** Skylake-like TLB (POM-TLB table 1): 64-entry 4-way, 32-entry 4-way for 2 MiB, 1536-entry 12-way. */
export const DEFAULT_TLB: TlbGeometry = {
  l1: { sets: 16, ways: 4 },
  l1Large: { sets: 8, ways: 4 },
  l2: { sets: 128, ways: 12 },
};

export const DEFAULT_GEOMETRY: Geometry = {
  eptLevels: 4,
  guestLevels: 4,
  indexBits: 9,
  logEntries: 512,
  tlb: DEFAULT_TLB,
  physicalAddressBits: 43,
};

/** Frames that one log occupies: a page holds as many entries as a paging structure has. */
export function logFrames(geometry: Geometry): number {
  return Math.ceil(geometry.logEntries / (1 << geometry.indexBits));
}

const PAGE_BITS = 12;
/** log2 of the PDPTEs of a PAE guest, and the levels below them. */
const PDPTE_BITS = 2;
const PAE_LEVELS = 2;

/** Bits of a linear address that long mode translates: 48, or 57 with 5 levels; fewer in small machines. */
export function longModeBits({ guestLevels, indexBits }: Geometry): number {
  return PAGE_BITS + guestLevels * indexBits;
}

/** Linear pages of a PAE guest: 4 GiB of them; fewer in small machines. */
export function paePages({ indexBits }: Geometry): number {
  return 2 ** (PDPTE_BITS + PAE_LEVELS * indexBits);
}

/** Guest-physical pages that an EPT translates: 2^48 bytes with 4 levels, 2^57 with 5. @param rootBits that the top table has more */
export function eptPages({ eptLevels, indexBits }: Geometry, rootBits = 0): number {
  return 2 ** (eptLevels * indexBits + rootBits);
}
