/**
 * The TLB of one logical processor: combined mappings (linear page to guest-physical page with the
 * rights that a walk granted), two levels, set-associative, replaced round robin within a set (the
 * real policy is not documented). Neither guest-physical mappings nor paging-structure caches
 * survive a walk here, so every miss walks from the roots.
 *
 * An entry belongs to a space: VPID, EP4TA and the privilege it was filled for (SDM 28.3.1).
 */
import type { Geometry, TlbLevelGeometry } from "./geometry.ts";
import type { Part, WordArray } from "./part.ts";

/** Low bits of an entry's meta word: rights, as in an EPT entry, then the size. The space is above. */
export const META_LARGE = 1 << 3;
export const META_SPACE_SHIFT = 4;
/** What a lookup compares besides the rights it needs. */
export const META_IDENTITY = ~7;

/** Kinds of entries that may be cached: large ones; pieces of a guest page larger than the entry. */
export const Filled = { large: 1, pieces: 2 } as const;

/** Of each space. */
export const SPACE_WORDS = 3;
const SPACES = 256;

/** One level: entry w of set s is at s * ways + w in each array. */
export interface TlbLevel {
  readonly setMask: number;
  readonly ways: number;
  /** Linear page number, or 2 MiB page number with META_LARGE. */
  readonly tag: Int32Array;
  /** Space, size and rights; 0 = invalid (space numbers start at 1). */
  readonly meta: Int32Array;
  /** Guest-physical page number of the first 4 KiB that the entry maps. */
  readonly page: Int32Array;
  /** Per set: the way that is replaced next. */
  readonly next: Int32Array;
}

function createLevel({ sets, ways }: TlbLevelGeometry): TlbLevel {
  if ((sets & (sets - 1)) !== 0) throw new Error(`TLB sets must be a power of two, not ${sets}`);
  return {
    setMask: sets - 1,
    ways,
    tag: new Int32Array(sets * ways),
    meta: new Int32Array(sets * ways),
    page: new Int32Array(sets * ways),
    next: new Int32Array(sets),
  };
}

export class Tlb implements Part {
  readonly name: string;
  readonly l1: TlbLevel;
  readonly l1Large: TlbLevel;
  readonly l2: TlbLevel;
  /** By linear page: the second-level slot that held it last. Only spares searches; always verified. */
  readonly l2Hint = new Int32Array(2048);
  /** log2 of the 4 KiB pages in a large entry. */
  readonly largeBits: number;
  /** [0]: spaces in use; [1]: what has been filled since the last full flush, bits of Filled. */
  readonly state = new Int32Array(2);
  /** Row i: VPID, EP4TA as a frame number, privilege and protection bits (GuestMode) of space i + 1. */
  readonly spaces = new Int32Array(SPACES * SPACE_WORDS);

  constructor(name: string, geometry: Geometry) {
    this.name = name;
    this.l1 = createLevel(geometry.tlb.l1);
    this.l1Large = createLevel(geometry.tlb.l1Large);
    this.l2 = createLevel(geometry.tlb.l2);
    this.largeBits = geometry.indexBits;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const arrays: Record<string, WordArray> = { state: this.state, spaces: this.spaces };
    const levels = { l1: this.l1, l1Large: this.l1Large, l2: this.l2 };
    for (const [name, level] of Object.entries(levels)) {
      arrays[`${name}.tag`] = level.tag;
      arrays[`${name}.meta`] = level.meta;
      arrays[`${name}.page`] = level.page;
      arrays[`${name}.next`] = level.next;
    }
    return arrays;
  }
}

/** The number of a space, allotted at first use. When all are taken the TLB is flushed and they start anew. */
export function spaceOf(tlb: Tlb, vpid: number, ep4ta: number, privilege: number): number {
  const { spaces, state } = tlb;
  const used = state[0]!;
  for (let i = 0; i < used; i++) {
    const row = i * SPACE_WORDS;
    if (spaces[row] === vpid && spaces[row + 1] === ep4ta && spaces[row + 2] === privilege) {
      return i + 1;
    }
  }
  if (used === SPACES) {
    flushAll(tlb);
    state[0] = 0;
  }
  const index = state[0]!;
  const row = index * SPACE_WORDS;
  spaces[row] = vpid;
  spaces[row + 1] = ep4ta;
  spaces[row + 2] = privilege;
  state[0] = index + 1;
  return index + 1;
}

/** findInLevel's answer when nothing of that page, space and size is there. */
export const NOT_CACHED = -1;

/**
 * Looks for a mapping with at least the rights in `want`, in the same space and size.
 * @returns its slot; or NOT_CACHED; or -2 - slot when it is there with too few rights.
 */
export function findInLevel(level: TlbLevel, tag: number, want: number): number {
  const { tag: tags, meta, ways } = level;
  const first = (tag & level.setMask) * ways;
  const end = first + ways;
  for (let i = first; i < end; i++) {
    if (tags[i] !== tag) continue;
    const difference = meta[i]! ^ want;
    if ((difference & META_IDENTITY) === 0) return (difference & want & 7) === 0 ? i : -2 - i;
  }
  return NOT_CACHED;
}

/**
 * Puts a mapping into one level: in the place of one with fewer rights if findInLevel saw it
 * (`found` is its answer), else in the way whose turn it is.
 */
export function fillLevel(
  level: TlbLevel,
  found: number,
  tag: number,
  meta: number,
  page: number,
): void {
  let slot = -2 - found;
  if (found === NOT_CACHED) {
    const set = tag & level.setMask;
    const way = level.next[set]!;
    level.next[set] = way + 1 === level.ways ? 0 : way + 1;
    slot = set * level.ways + way;
  }
  level.tag[slot] = tag;
  level.meta[slot] = meta;
  level.page[slot] = page;
}

export function flushAll(tlb: Tlb): void {
  tlb.l1.meta.fill(0);
  tlb.l1Large.meta.fill(0);
  tlb.l2.meta.fill(0);
  tlb.state[1] = 0;
}

function flushSpaces(tlb: Tlb, column: number, value: number): void {
  for (let i = 0; i < tlb.state[0]!; i++) {
    if (tlb.spaces[i * SPACE_WORDS + column] !== value) continue;
    flushLevelSpace(tlb.l1, i + 1);
    flushLevelSpace(tlb.l1Large, i + 1);
    flushLevelSpace(tlb.l2, i + 1);
  }
}

function flushLevelSpace(level: TlbLevel, space: number): void {
  const { meta } = level;
  for (let i = 0; i < meta.length; i++) if (meta[i]! >>> META_SPACE_SHIFT === space) meta[i] = 0;
}

/** Drops every mapping that was made through any EPT: INVEPT all-context. */
export function flushEpts(tlb: Tlb): void {
  flushExcept(tlb, 1, 0);
}

/** Drops the mappings of all VPIDs but 0: INVVPID all-context. */
export function flushVpids(tlb: Tlb): void {
  flushExcept(tlb, 0, 0);
}

function flushExcept(tlb: Tlb, column: number, kept: number): void {
  const values = new Set<number>();
  for (let i = 0; i < tlb.state[0]!; i++) values.add(tlb.spaces[i * SPACE_WORDS + column]!);
  values.delete(kept);
  for (const value of values) flushSpaces(tlb, column, value);
}

/** Drops every mapping that was made through one EPT: INVEPT single-context (SDM 28.3.3.1). */
export function flushEpt(tlb: Tlb, ep4ta: number): void {
  flushSpaces(tlb, 1, ep4ta);
}

/** Drops the combined mappings of one VPID: MOV to CR3, or VM entries and exits with VPID off. */
export function flushVpid(tlb: Tlb, vpid: number): void {
  flushSpaces(tlb, 0, vpid);
}

/**
 * Drops the mappings of a VPID but those of global pages: MOV to CR3 (SDM vol. 3A 4.10.4.1). Which are global, the
 * guest's own translations say, by linear page.
 */
export function flushNotGlobal(
  tlb: Tlb,
  vpid: number,
  translations: Int32Array,
  globalBit: number,
): void {
  for (let i = 0; i < tlb.state[0]!; i++) {
    if (tlb.spaces[i * SPACE_WORDS] !== vpid) continue;
    for (const level of [tlb.l1, tlb.l1Large, tlb.l2]) {
      const { meta, tag } = level;
      for (let slot = 0; slot < meta.length; slot++) {
        const word = meta[slot]!;
        if (word >>> META_SPACE_SHIFT !== i + 1) continue;
        const page = (word & META_LARGE) === 0 ? tag[slot]! : tag[slot]! << tlb.largeBits;
        if (page >= translations.length || (translations[page]! & globalBit) === 0) meta[slot] = 0;
      }
    }
  }
}

/**
 * INVLPG: drops the mappings of one linear page of a VPID, under any EPT (SDM 28.3.3.1). If the guest maps
 * it by a page of which the TLB holds several pieces, all of them go (SDM vol. 3A 4.10.4.1); the TLB does
 * not know which they are, and drops all of the VPID (as Bochs does: TLB.split_large).
 */
export function flushPage(tlb: Tlb, vpid: number, linearPage: number): void {
  if ((tlb.state[1]! & Filled.pieces) !== 0) {
    flushVpid(tlb, vpid);
    return;
  }
  for (let i = 0; i < tlb.state[0]!; i++) {
    if (tlb.spaces[i * SPACE_WORDS] === vpid) maskPage(tlb, i + 1, linearPage, 0);
  }
}

/**
 * What an EPT violation does to the mappings of the linear page whose access caused it (SDM 28.3.3.1), and
 * a page fault too (SDM vol. 3A 4.10.4.1): they go, for the VPID and one EPT. A 4 KiB entry keeps its way,
 * without rights, for the refill; in the place of a large one smaller ones may come.
 */
export function revokePage(tlb: Tlb, vpid: number, ep4ta: number, linearPage: number): void {
  for (let i = 0; i < tlb.state[0]!; i++) {
    const row = i * SPACE_WORDS;
    if (tlb.spaces[row] !== vpid || tlb.spaces[row + 1] !== ep4ta) continue;
    maskPage(tlb, i + 1, linearPage, META_IDENTITY);
  }
}

/** Keeps of the 4 KiB entries of a linear page in a space what a mask says, and of the large ones nothing. */
function maskPage(tlb: Tlb, space: number, linearPage: number, mask: number): void {
  const large = linearPage >>> tlb.largeBits;
  maskTag(tlb.l1, linearPage, space, 0, mask);
  maskTag(tlb.l2, linearPage, space, 0, mask);
  if ((tlb.state[1]! & Filled.large) === 0) return;
  maskTag(tlb.l1Large, large, space, META_LARGE, 0);
  maskTag(tlb.l2, large, space, META_LARGE, 0);
}

function maskTag(level: TlbLevel, tag: number, space: number, size: number, mask: number): void {
  const slot = findInLevel(level, tag, (space << META_SPACE_SHIFT) | size);
  if (slot >= 0) level.meta[slot] = level.meta[slot]! & mask;
}
