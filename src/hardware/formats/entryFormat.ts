/**
 * What a format of second-level entries says of itself: masks of an entry's two words, and what a walk's fault is called. The
 * walk (secondStageWalk.ts) and software (ept.ts, src/hypervisor) read these, and know no format by its name; all.ts lists them.
 *
 * What of an entry is not its address fits into one word, its attributes: the bits below the address are those of the low word,
 * the others those of the high one. Frames that the emulator holds end in the high word before those begin (words.ts).
 *
 * As in KVM, where one walker serves EPT, NPT and shadow entries by masks that are chosen at set-up (Linux
 * arch/x86/kvm/mmu/spte.c, kvm_mmu_set_ept_masks; rsvd_bits_validate and bad_mt_xwr in mmu_internal.h).
 */
import type { Capabilities } from "../capabilities.ts";
import type { Geometry } from "../geometry.ts";
import { EXECUTE, WRITE } from "../rights.ts";
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

/** Why entries do not allow an access: what a fault says that has a status for each. */
export const Cause = {
  /** An entry maps nothing, or no table could. */
  absent: 0,
  /** A is clear, and the processor is not to set it. */
  accessedClear: 1,
  rights: 2,
  /** Bits of an entry that are reserved. */
  reserved: 3,
  /** Its address is beyond the physical-address width. */
  addressSize: 4,
  /** The guest-physical address is beyond those that the tables translate. */
  beyondTables: 5,
} as const;
export type Cause = (typeof Cause)[keyof typeof Cause];

/** What an exit says of an access that the entries do not allow: bits of its qualification. */
export interface FaultBits {
  readonly reason: number;
  /** Its own reasons, by their names in files and reports. */
  readonly reasons: Readonly<Record<string, number>>;
  /** By what was needed. */
  readonly read: number;
  readonly write: number;
  readonly fetch: number;
  /** Whatever was needed; and of what is no fetch, where reads and fetches have no bits of their own. */
  readonly always: number;
  readonly data: number;
  /** Of an access that reads and writes, a write is reported only if the read had been allowed. */
  readonly readFirst: boolean;
  /** Status codes: what is added by why, and at which level, the walk ended. */
  readonly status: (cause: Cause, level: number) => number;
  /** The entry at which the walk ended maps something. */
  readonly present: number;
  /** Where the rights that all entries grant are reported, and that to fetch for user mode; null: they are not. */
  readonly granted: { readonly shift: number; readonly userExecute: number } | null;
  /** A linear address was being translated, and is in the VMCS; and whether one is reported. */
  readonly linear: number;
  readonly reportsLinear: boolean;
  /** The access was the one to the translated address; where its page's own rights are reported; and to a guest structure. */
  readonly final: number;
  readonly linearPageShift: number;
  readonly finalHigh: number;
  readonly structure: number;
  readonly structureHigh: number;
  /**
   * Set: what is reported of an access to a guest structure is what the access needed that it is made for, and this bit says that
   * the structure was to be written. 0: what the access to the structure needed is reported.
   */
  readonly structureWrite: number;
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
  /** Attributes: what is taken from a leaf so that every access to it faults, and given back. */
  readonly allRights: number;
  /** Attributes of a leaf that allow each access: to read and to fetch all of them, to write any. */
  readonly read: number;
  readonly write: number;
  readonly fetch: number;
  /** Flags, in the low word. D may be among what allows to write: then a leaf that has the rest of it is clean. */
  readonly accessed: number;
  readonly dirty: number;
  /** Of these bits of the low word leaves above the lowest level have one or more; and bits there that mean so when they are clear. */
  readonly large: number;
  readonly inverted: number;
  /** Whether those bits say nothing else, so that they tell a leaf's size; else leaves of all sizes have the same. */
  readonly largeIsSize: boolean;
  /** Position of a frame's number in an entry. What of the low word is below is attributes. */
  readonly addressShift: number;
  /** Bits that a guest-physical address has beyond those that tables of one frame translate: so much larger is the top table. */
  readonly rootBits: number;
  /** Software: attributes of an ordinary leaf of RAM without flags, and of an entry that names a table and restricts nothing. */
  readonly ramLeaf: number;
  readonly table: number;
  /**
   * Bits of the low word with which any entry that maps something is malformed, and by which software marks one that it has
   * to look at again; 0: software does not do that here.
   */
  readonly unresolved: number;
  /** What of the high word is an address, and what is reserved at every level. */
  readonly addressHigh: number;
  readonly reservedHigh: number;
  /** Whether an address beyond the physical-address width is malformed. Else what is there is not emulated, and the walk refuses it. */
  readonly checksWidth: boolean;
  /** Whether rights and flags are in leaves alone, and those bits of entries that name tables are nobody's. */
  readonly leavesDecide: boolean;
  /** Rights (rights.ts) that bits of the low word grant, that are so many positions above theirs, if they are set at every level. */
  readonly grants: number;
  readonly grantShift: number;
  /** Bits of the low word without which, at any level, no access is allowed; those besides while flags are off, and then for a write. */
  readonly demands: number;
  readonly demandsWithoutFlags: number;
  readonly writeDemandsWithoutFlags: number;
  /** A bit of the high word that forbids to fetch, at any level; 0: the low word grants that. */
  readonly noExecuteHigh: number;
  /** Whether the processor sets A and D; optional: by bit 6 of the pointer. */
  readonly flags: "always" | "never" | "optional";
  /**
   * Entries that the fast walk may pass without a decision, if they have A or need none, besides what is unusual in any high
   * word: tables that restrict nothing; leaves of level 1 whose bits 2:0, shifted by grantShift, are then their rights, but for a missing D.
   */
  readonly plainTable: Pattern;
  readonly plainPage: Pattern;
  /** Of plain leaves, what of the high word is set while flags are on. */
  readonly plainPageHigh: number;
  readonly fault: FaultBits;
  /** Secondary controls that belong to it, by their names in litmus tests; with another format they are reserved. */
  readonly controls: Readonly<Record<string, number>>;
  /** Those with any of which reads of guest structures are reads; 0: none. */
  readonly structuresReadOnly: number;
  /** One with which the processor sets A, and D is software's; 0: none. */
  readonly accessedAlone: number;
  /** One with which a walk that would have to set a flag of the guest's own is a page fault of the guest's instead; 0: none. */
  readonly guestFlagsFault: number;
  /** What VM entry calls a VMCS without a VPID (an ASID or VMID, there); null: it need not have one. */
  readonly tagFailure: string | null;
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
export function isLeaf({ large, inverted }: EntryFormat, low: number, level: number): boolean {
  return level === 1 || (level <= LARGEST_LEAF && ((low ^ inverted) & large) !== 0);
}

/** Those attributes that are the low word's. */
export function lowAttributes({ addressShift }: EntryFormat): number {
  return (1 << addressShift) - 1;
}

/** What of an entry is not its address, as one word. */
export function attributesOf(format: EntryFormat, low: number, high: number): number {
  const lower = lowAttributes(format);
  return (low & lower) | (high & ~lower);
}

/** The frame that an entry names: a page's first, or a table's. */
export function frameOf({ addressShift }: EntryFormat, low: number, high: number): number {
  return (low >>> addressShift) | (high << (WORD_BITS - addressShift));
}

/** The two words of an entry. */
export function entryOf(
  format: EntryFormat,
  frame: number,
  attributes: number,
): readonly [low: number, high: number] {
  const { addressShift } = format;
  const lower = lowAttributes(format);
  return [
    (frame << addressShift) | (attributes & lower),
    (frame >>> (WORD_BITS - addressShift)) | (attributes & ~lower),
  ];
}

/** Attributes of a leaf as one of `level` has them. */
export function sizedLeaf(
  { large, inverted, largeIsSize }: EntryFormat,
  attributes: number,
  level: number,
): number {
  if (!largeIsSize) return attributes;
  return (attributes & ~large) | ((level > 1 ? large : 0) ^ (inverted & large));
}

/** The attributes of a leaf that no processor has to set a flag in, whether it would or not. */
export function restingLeaf({
  ramLeaf,
  accessed,
  dirty,
  demandsWithoutFlags,
}: EntryFormat): number {
  return demandsWithoutFlags === 0 ? ramLeaf : ramLeaf | accessed | dirty;
}

/** Rights, as bits of rights.ts, with which a translation by a leaf may be cached. @param flags whether the processor sets A and D */
export function leafRights(format: EntryFormat, low: number, high: number, flags: boolean): number {
  const { grants, grantShift, demands, demandsWithoutFlags, noExecuteHigh, dirty } = format;
  const { writeDemandsWithoutFlags } = format;
  const demanded = demands | (flags ? 0 : demandsWithoutFlags);
  if ((low & demanded) !== demanded) return 0;
  let rights = (low >>> grantShift) & grants;
  if (noExecuteHigh !== 0 && (high & noExecuteHigh) === 0) rights |= EXECUTE;
  const toWrite = flags ? dirty : writeDemandsWithoutFlags;
  return (low & toWrite) === toWrite ? rights : rights & ~WRITE;
}

/** Whether A and D flags are set through this pointer. @param pointer its low word */
export function setsFlags({ flags }: EntryFormat, pointer: number): boolean {
  if (flags !== "optional") return flags === "always";
  return (pointer & EPTP_ACCESSED_DIRTY) !== 0;
}

/** Whether what faulted was to be written: the page, or the guest structure in it. @param qualification its low word */
export function isWriteFault({ fault }: EntryFormat, qualification: number): boolean {
  const { write, structure, structureWrite } = fault;
  const ofStructure = structureWrite !== 0 && (qualification & structure) === structure;
  return (qualification & (ofStructure ? structureWrite : write)) !== 0;
}

/**
 * Flags that a leaf lacks for an access that its rights allow, where no processor sets them: software does, as for any other fault
 * (RISC-V Svade). 0: it lacks none, or lacks a right, too. @param qualification of the fault, its low word
 */
export function missingFlags(
  format: EntryFormat,
  attributes: number,
  qualification: number,
): number {
  const { accessed, dirty, writeDemandsWithoutFlags } = format;
  if (writeDemandsWithoutFlags === 0 || !allowsNow(format, attributes, qualification)) return 0;
  const wanted = accessed | (isWriteFault(format, qualification) ? dirty : 0);
  return wanted & ~attributes;
}

/** Whether a leaf allows now what a fault reports that it did not. @param qualification its low word */
export function allowsNow(format: EntryFormat, attributes: number, qualification: number): boolean {
  const { fault, read, write, fetch } = format;
  const ofStructure = fault.structureWrite !== 0 && (qualification & fault.structure) !== 0;
  // Where reads are not told from others, all accesses need what a read needs.
  const reads = fault.read === 0 || (qualification & fault.read) !== 0;
  const fetches =
    !ofStructure &&
    (fault.data === 0 ? (qualification & fault.fetch) !== 0 : (qualification & fault.data) === 0);
  const wanted = (reads ? read : 0) | (fetches ? fetch : 0);
  const writes = isWriteFault(format, qualification);
  return (attributes & wanted) === wanted && (!writes || (attributes & write) !== 0);
}

/** An entry's own rights as letters: "r-x". */
export function rightsText(format: EntryFormat, attributes: number): string {
  const { read, write, fetch, noExecuteHigh } = format;
  const has = (bits: number) => (attributes & bits) === bits;
  const executes = has(fetch) && (attributes & noExecuteHigh) === 0;
  const writes = (attributes & write) !== 0;
  return `${has(read) ? "r" : "-"}${writes ? "w" : "-"}${executes ? "x" : "-"}`;
}

const WORD_BITS = 32;
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

/** Of an entry's high word, the bits of an address from this one on. @param bit of the address: more than that of the high word's first */
export function addressFrom({ addressHigh, addressShift }: EntryFormat, bit: number): number {
  return addressHigh & -(1 << (bit - WORD_BITS - (PAGE_BITS - addressShift)));
}

const PAGE_BITS = 12;

/** Bits 51:32 of an entry, in its high word. */
export const PHYSICAL_HIGH = 0xfffff;

/** The bits of a leaf's address that lie below its size. */
export function belowSize(
  level: number,
  { indexBits }: Geometry,
  addressShift = PAGE_BITS,
): number {
  return ((1 << ((level - 1) * indexBits)) - 1) << addressShift;
}
