/**
 * What a format of second-level entries says of itself: masks of an entry's two words, and what a walk's fault is called. The
 * walk (secondStageWalk.ts) and software (ept.ts, src/hypervisor) read these, and know no format by its name; all.ts lists them.
 *
 * As in KVM, where one walker serves EPT, NPT and shadow entries by masks that are chosen at set-up (Linux
 * arch/x86/kvm/mmu/spte.c, kvm_mmu_set_ept_masks; rsvd_bits_validate and bad_mt_xwr in mmu_internal.h).
 */
import type { Capabilities } from "../capabilities.ts";
import type { Geometry } from "../geometry.ts";
import { EPTP_ACCESSED_DIRTY } from "../vmcs.ts";

/** A mask of an entry's low word, and what the bits under it are. */
export interface Pattern {
  readonly mask: number;
  readonly bits: number;
}

/** Which entries are malformed. */
export interface ReservedBits {
  /** Of the low word, by level: in entries that name a table. */
  readonly table: (level: number) => number;
  /** In leaves. All bits of an entry's level: there are no leaves there. */
  readonly leaf: (level: number) => number;
  /** Bit i of these two words: entries whose bits 5:0 are i, and i - 32, are malformed. */
  readonly low: readonly [number, number];
}

/** What an exit says of an access that the entries do not allow: bits of its qualification. */
export interface FaultBits {
  readonly reason: number;
  /** Its own reasons, by their names in files and reports. */
  readonly reasons: Readonly<Record<string, number>>;
  /** By what was needed. */
  readonly read: number;
  readonly write: number;
  readonly fetch: number;
  /** Whatever was needed. */
  readonly always: number;
  /** The entry at which the walk ended maps something. */
  readonly present: number;
  /** Where the rights that all entries grant are reported, and that to fetch for user mode; null: they are not. */
  readonly granted: { readonly shift: number; readonly userExecute: number } | null;
  /** A linear address was being translated, and is in the VMCS; 0: none is reported. */
  readonly linear: number;
  /** The access was the one to the translated address; where its page's own rights are reported; and to a guest structure. */
  readonly final: number;
  readonly linearPageShift: number;
  readonly finalHigh: number;
  readonly structureHigh: number;
  /** A malformed entry: the reason of its exit, and whether the bits above are reported, and which beside them. */
  readonly malformed: { readonly reason: number; readonly reports: boolean; readonly bits: number };
}

export interface EntryFormat {
  /** In scenarios and litmus tests. */
  readonly name: string;
  /** For people. */
  readonly label: string;
  /** An entry without any of these maps nothing; with mode-based execute control, without any of those. */
  readonly present: number;
  readonly presentModeBased: number;
  /** What is taken from a leaf so that every access to it faults, and given back. */
  readonly allRights: number;
  /** What of a leaf's low word allows each access. */
  readonly read: number;
  readonly write: number;
  readonly fetch: number;
  readonly accessed: number;
  readonly dirty: number;
  readonly large: number;
  /** Software: an ordinary leaf of RAM without flags, and an entry that names a table and restricts nothing. */
  readonly ramLeaf: number;
  readonly table: number;
  /** Rights (rights.ts) that bits of the low word in the same positions grant, if they are set at every level. */
  readonly grants: number;
  /** Bits of the low word without which, at any level, no access is allowed. */
  readonly demands: number;
  /** A bit of the high word that forbids to fetch, at any level; 0: the low word grants that. */
  readonly noExecuteHigh: number;
  /** Whether A and D flags can be off, by bit 6 of the pointer. */
  readonly flagsOptional: boolean;
  /**
   * Entries that the fast walk may pass without a decision, if they have A or need none, besides what is unusual in any high
   * word: tables that restrict nothing; leaves of level 1 whose bits 2:0 are then their rights, but for a missing D.
   */
  readonly plainTable: Pattern;
  readonly plainPage: Pattern;
  readonly fault: FaultBits;
  /** Secondary controls that belong to it, by their names in litmus tests; with another format they are reserved. */
  readonly controls: Readonly<Record<string, number>>;
  /** One of them, with which reads of guest structures are reads; 0: none. */
  readonly structuresReadOnly: number;
  /** Whether VMCSs must have a VPID (an ASID, there). */
  readonly needsTag: boolean;
  /** Whether mappings can be dropped by the pointer that they were made under (INVEPT). */
  readonly dropsByPointer: boolean;
  /** Levels of its tables at most. */
  readonly levelsMax: number;
  /** Whether a processor with it loads the PDPTEs of PAE guests into registers; else such guests are not emulated. */
  readonly loadsPdptes: boolean;
  /** Whether implementations of it differ, so that one of them can be followed. */
  readonly hasCompatibility: boolean;
  /** What VM entry may find wrong with a pointer, and the first such thing; null: nothing. */
  readonly pointerFailures: readonly string[];
  pointerFailure(
    low: number,
    high: number,
    capabilities: Capabilities,
    geometry: Geometry,
  ): string | null;
  /** Low bits of the pointer that names the top table. */
  pointerBits(levels: number, accessedDirty: boolean): number;
  /** @param likeBochs as Bochs has it, where it differs */
  reserved(geometry: Geometry, capabilities: Capabilities, likeBochs: boolean): ReservedBits;
}

/** Whether an entry at `level` (1: the lowest) maps a page instead of naming a table. */
export function isLeaf({ large }: EntryFormat, low: number, level: number): boolean {
  return level === 1 || (level <= LARGEST_LEAF && (low & large) !== 0);
}

/** Whether A and D flags are set through this pointer. @param pointer its low word */
export function setsFlags({ flagsOptional }: EntryFormat, pointer: number): boolean {
  return !flagsOptional || (pointer & EPTP_ACCESSED_DIRTY) !== 0;
}

/** The bits of a leaf's low word that an access needs which a fault reports. @param qualification its low word */
export function neededBits(format: EntryFormat, qualification: number): number {
  const { fault, read, write, fetch } = format;
  // Where reads are not told from others, all accesses need what a read needs.
  const reads = fault.read === 0 || (qualification & fault.read) !== 0;
  return (
    (reads ? read : 0) |
    ((qualification & fault.write) !== 0 ? write : 0) |
    ((qualification & fault.fetch) !== 0 ? fetch : 0)
  );
}

/** An entry's own rights as letters: "r-x". */
export function rightsText(format: EntryFormat, low: number, high: number): string {
  const { read, write, fetch, noExecuteHigh } = format;
  const has = (bits: number) => (low & bits) === bits;
  const executes = has(fetch) && (high & noExecuteHigh) === 0;
  return `${has(read) ? "r" : "-"}${has(write) ? "w" : "-"}${executes ? "x" : "-"}`;
}

/** 1 GiB. */
const LARGEST_LEAF = 3;
/** Levels of a walk at most, plus one: level numbers start at 1. */
export const LEVELS = 8;

/** Reserved bits by level, those of leaves after those of entries that name tables: what a walk reads. */
export function reservedByLevel({ table, leaf }: ReservedBits): Int32Array {
  const masks = new Int32Array(2 * LEVELS);
  for (let level = 1; level < LEVELS; level++) {
    masks[level] = table(level);
    masks[LEVELS + level] = leaf(level);
  }
  return masks;
}

/** Bits 51:MAXPHYADDR, in an entry's high word: reserved at every level. */
export function beyondPhysical({ physicalAddressBits }: Geometry): number {
  return 0xfffff & -(1 << (physicalAddressBits - 32));
}

/** The bits of a leaf's address that lie below its size. */
export function belowSize(level: number, { indexBits }: Geometry): number {
  return ((1 << ((level - 1) * indexBits)) - 1) << 12;
}
