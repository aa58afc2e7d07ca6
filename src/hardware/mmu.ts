/**
 * One logical processor's memory-management unit: the TLB and the controls that VM entry loaded
 * from the current VMCS. A plain data object; the rules are in the functions beside it.
 */

import { type Capabilities, DEFAULT_CAPABILITIES } from "./capabilities.ts";
import { DEFAULT_PROCESSOR_COSTS, type ProcessorCosts } from "./costs.ts";
import { COUNTER_COUNT, Counter } from "./counters.ts";
import {
  addressFrom,
  type EntryFormat,
  LEVELS,
  lowAttributes,
  reservedByLevel,
  setsFlags,
} from "./formats/entryFormat.ts";
import { EPT } from "./formats/ept.ts";
import { eptPages, type Geometry, longModeBits, paePages } from "./geometry.ts";
import { GuestPages } from "./guestPages.ts";
import type { HostMemory, LeafTables } from "./memory.ts";
import { WRITE } from "./rights.ts";
import { flushVpid, META_SPACE_SHIFT, spaceOf, Tlb } from "./tlb.ts";
import {
  Field,
  GuestMode,
  GuestPaging,
  type IndexWidth,
  PAGING_TRACED,
  readField,
  SECONDARY_EPT,
  SECONDARY_MODE_BASED_EXECUTE,
  SECONDARY_VPID,
  secondaryControls,
  Vmcs,
} from "./vmcs.ts";
import { pageOfWords, requireHeld } from "./words.ts";

/** Where implementations disagree, whose behaviour is followed (docs/choices.md). */
export const Compatibility = { sdm: 0, bochs: 1, kvm: 2 } as const;
export type CompatibilityName = keyof typeof Compatibility;

export interface MmuOptions {
  readonly capabilities?: Capabilities;
  readonly compatibility?: CompatibilityName;
  readonly costs?: ProcessorCosts;
  /** Of second-level entries; default: EPT. */
  readonly format?: EntryFormat;
  /** Those that its kind of processor may have (src/units lists them); default: none. */
  readonly units?: readonly LogUnit[];
}

/** A log of leaves whose D flag a walk sets. */
export interface TransitionLog {
  readonly logs: "transitions";
  /**
   * Whether a full log stops a walk that would set A alone, too (SDM vol. 3C 28.2.6). Others are asked by writes that
   * set D alone (AMD APM vol. 2 15.25.15; Arm ARM D8.5.2.3).
   */
  readonly gatesAccessed: boolean;
  /** Of the exit with which an access ends that finds it full. */
  readonly exitReason: number;
  /**
   * That exit is the fault of an access that entries do not allow, with these bits in the high word of its qualification. Not
   * there: an exit of its own, which reports nothing of the access.
   */
  readonly faultHigh?: number;
  /** Asked before any flag is set. */
  isFull(mmu: Mmu): boolean;
  /** D was set in the leaf that maps this page, at this level. The log is not full. */
  log(mmu: Mmu, page: number, level: number): void;
}

/** A log of the guest-physical pages that walks give. It stops nobody: what it cannot take it drops. */
export interface WalkLog {
  readonly logs: "walks";
  /** Whether, with these secondary controls, pages are left out that hold the guest's paging structures. */
  skipsStructures(secondary: number): boolean;
  log(mmu: Mmu, page: number): void;
}

/**
 * A page-logging unit as the processor sees it. Which there are, and by what rules each logs, is said in src/units. VM
 * entry selects by the secondary controls, and the walk asks what was selected, at most one log of each sort.
 */
export interface LogUnit {
  readonly name: string;
  /** Secondary controls that are its own; where no unit has them they are reserved. */
  readonly controls: number;
  /** All of these select it. A unit that is selected by more of them than another takes its place. */
  readonly selectedBy: number;
  /** Whether a VMCS without EPT A/D flags has nothing for it to log. */
  readonly needsFlags: boolean;
  readonly index: IndexWidth;
  readonly log: TransitionLog | WalkLog;
  /** The first thing that is wrong with what a VMCS says of it, or null. Asked while one of its controls is on. */
  failure(vmcs: Vmcs, geometry: Geometry): string | null;
}

/**
 * What paging says of a linear page: its U/S flag and its R/W flag, ANDed over all levels, and XD, ORed.
 * The order is that of bits 11:9 of a violation's qualification. Without paging every linear address is a
 * user-mode one, writable and executable (SDM 28.2.3.2 and table 27-7).
 */
export const LinearPage = { user: 1, writable: 2, executeDisable: 4 } as const;

/** A page number is a signed word: what lies beyond is not held (AddressNotHeldError). */
const HELD_ADDRESS_BITS = 43;
/** log2 of the bytes of a page, and of the sign of a word. */
const PAGE_BITS = 12;
const SIGN_BIT = 31;
const NO_LEAF_TABLES: LeafTables = { region: new Int32Array(1), firstLeaf: new Int32Array(1) };
const NO_GUEST = new GuestPages("none", 0, false);
const NO_VMCS = new Vmcs("none");

export class Mmu {
  readonly memory: HostMemory;
  readonly geometry: Geometry;
  readonly capabilities: Capabilities;
  readonly compatibility: number;
  readonly costs: ProcessorCosts;
  readonly format: EntryFormat;
  readonly units: readonly LogUnit[];
  /** Secondary controls that one of them has, or the format. */
  readonly ownControls: number;
  readonly tlb: Tlb;
  // Copies of what every walk needs, beside each other.
  readonly eptLevels: number;
  readonly indexBits: number;
  readonly eptTopShift: number;
  readonly walkReferenceCost: number;
  readonly l2TlbHitCost: number;
  /** Guest-physical pages below this have an entry in the EPT. */
  readonly eptPages: number;
  /** Bits of an entry's high word that are reserved or nobody's: the fast walk leaves such entries to the full one. */
  readonly unusualHighBits: number;
  /** Of an entry's high word: address bits that a page number does not hold. */
  readonly notHeldHigh: number;
  // The format's masks (formats/entryFormat.ts), as words.
  readonly accessedMask: number;
  readonly dirtyMask: number;
  readonly largeMask: number;
  readonly inverted: number;
  readonly leavesDecide: boolean;
  /** Positions of a frame's number in the low word, and from the high word's first bit on. */
  readonly addressShift: number;
  readonly highShift: number;
  /** Entries of the top table, less one. */
  readonly rootMask: number;
  readonly grantMask: number;
  readonly grantShift: number;
  readonly noExecuteHigh: number;
  readonly reservedHigh: number;
  /** Of those, the ones of addresses. */
  readonly tooWideHigh: number;
  /** By level, those of leaves from LEVELS on; and by the low six bits. */
  readonly reservedLow: Int32Array;
  readonly malformedLow: number;
  readonly malformedLow32: number;

  // Loaded by VM entry, or by an event that changes what entry would load.
  vmcs: Vmcs = NO_VMCS;
  counters: Float64Array = new Float64Array(COUNTER_COUNT);
  guest: GuestPages = NO_GUEST;
  eptEnabled = false;
  eptRoot = 0;
  accessedDirty = false;
  /** The logs that VM entry selected. */
  dirtyLog: TransitionLog | null = null;
  walkLog: WalkLog | null = null;
  /** Whether the walk log leaves out pages of the guest's paging structures. */
  skipsStructures = false;
  modeBasedExecute = false;
  /** An entry without any of these bits maps nothing. */
  presentMask = 0;
  /** An entry without all of these bits allows nothing; without all of those, no write. */
  demandMask = 0;
  writeDemand = 0;
  /** A bit of a leaf's high word with which a write is allowed that sets D; 0: none, or the processor is not to set D. */
  writableHigh = 0;
  /** What allows to write besides what bit 1 of a plain leaf's rights says: WRITE if D is that bit. */
  dirtyGrants = 0;
  /** A leaf's low word shifted right by this has in bit 1 what allows to write: D, or W itself while flags are off. */
  dirtyShift = 0;
  /** Whether any access to the guest's paging structures counts as a write. */
  structureWrites = false;
  /** Whether a flag that a walk would have to set in the guest's own structures is a page fault. */
  guestFlagsFault = false;
  paging: number = GuestPaging.off;
  /** A linear page shifted right by this is 0 or, in long mode, -1: else the guest cannot name it. */
  linearSignBit = SIGN_BIT;
  user = false;
  writeProtect = false;
  noExecute = false;
  vpid = 0;
  vpidEnabled = false;
  /** What the low word of an entry looks like that the fast walk may pass: see loadPlainMasks. */
  plainTableMask = 0;
  plainTableBits = 0;
  plainPageMask = 0;
  plainPageBits = 0;
  plainPageHighMask = 0;
  plainPageHighBits = 0;
  leafTables: LeafTables = NO_LEAF_TABLES;
  /** The current space, shifted as in a TLB entry's meta word. */
  space = 0;

  // Results of the last walk.
  /** Rights that a TLB entry filled from it may grant (rights.ts). */
  rights = 0;
  /** Host frame that the last EPT step gave. */
  frame = 0;
  /** Guest-physical page that the last guest walk gave. */
  page = 0;
  /** Rights that the last guest walk gave for the current privilege. */
  guestRights = 0;
  /** What the guest's paging says of the linear page, whoever asks: bits of LinearPage. */
  linearPageBits = 0;
  /** Whether the last access that entries did not allow was to the translated address itself. */
  finalRefused = false;
  /** log2 of the 4 KiB pages that the last EPT leaf, and the last guest leaf, map. */
  leafBits = 0;
  guestLeafBits = 0;
  /** Word index of the entry used at each level of the last EPT walk. */
  readonly path = new Int32Array(LEVELS);
  /** Word index of the entry used at each level of the last guest walk. */
  readonly guestPath = new Int32Array(LEVELS);
  /** Bits 11:0 of the guest-physical address being accessed: only exits report them. */
  offset = 0;
  /** The linear address being translated, as page and bits 11:0, and what for: only exits report it. */
  linearPage = 0;
  linearOffset = 0;
  linearNeed = 0;
  /** #PF error code, when a walk ended in a guest page fault. */
  pageFaultError = 0;
  /** Set when a walk log became full during a walk: the LAPIC sends the interrupt after the access. */
  logFilled = false;
  /** Cycles that second-level hits and walks have taken. Reset by each burst. */
  walkCycles = 0;
  /** What the last prefetch loaded: keeps the loads alive, means nothing. */
  prefetched = 0;
  /** Second-level hits among them, first-level hits of large entries, and walks. Reset by each burst. */
  l2Hits = 0;
  l1LargeHits = 0;
  walks = 0;

  // Results of the last burst.
  /** Why it stopped: one of Stop. */
  stop = 0;
  /** Cycles it took. */
  elapsed = 0;
  /** Cycles of the guest's other work that are left before its next access. */
  gapLeft = 0;

  constructor(name: string, memory: HostMemory, geometry: Geometry, options: MmuOptions = {}) {
    this.memory = memory;
    this.geometry = geometry;
    this.capabilities = options.capabilities ?? DEFAULT_CAPABILITIES;
    this.compatibility = Compatibility[options.compatibility ?? "sdm"];
    this.costs = options.costs ?? DEFAULT_PROCESSOR_COSTS;
    this.format = options.format ?? EPT;
    this.units = options.units ?? [];
    this.ownControls = [
      ...this.units.map(({ controls }) => controls),
      ...Object.values(this.format.controls),
    ].reduce((all, controls) => all | controls, 0);
    this.tlb = new Tlb(name, geometry);
    this.eptLevels = geometry.eptLevels;
    this.indexBits = geometry.indexBits;
    this.eptTopShift = (geometry.eptLevels - 1) * geometry.indexBits;
    this.walkReferenceCost = this.costs.walkReference;
    this.l2TlbHitCost = this.costs.l2TlbHit;
    const held = Math.min(geometry.physicalAddressBits, HELD_ADDRESS_BITS);
    const { format } = this;
    this.eptPages = eptPages(geometry, format.rootBits);
    this.rootMask = (1 << (geometry.indexBits + format.rootBits)) - 1;
    this.addressShift = format.addressShift;
    this.highShift = 32 - format.addressShift;
    this.unusualHighBits = ~format.addressHigh | addressFrom(format, held);
    const width = format.checksWidth ? HELD_ADDRESS_BITS : held;
    this.notHeldHigh = addressFrom(format, width);
    this.accessedMask = format.accessed;
    this.dirtyMask = format.dirty;
    this.largeMask = format.large;
    this.inverted = format.inverted;
    this.leavesDecide = format.leavesDecide;
    this.grantMask = format.grants;
    this.grantShift = format.grantShift;
    this.noExecuteHigh = format.noExecuteHigh;
    const beyond = addressFrom(format, geometry.physicalAddressBits);
    this.reservedHigh = format.reservedHigh | (format.checksWidth ? beyond : 0);
    this.tooWideHigh = beyond;
    const likeBochs = this.compatibility === Compatibility.bochs;
    const reserved = format.reserved(geometry, this.capabilities, likeBochs);
    this.reservedLow = reservedByLevel(reserved);
    [this.malformedLow, this.malformedLow32] = reserved.low;
  }
}

/** Adds to a counter of the vCPU whose VMCS is current. */
export function count(mmu: Mmu, counter: number, amount: number): void {
  const counters = mmu.counters;
  counters[counter] = counters[counter]! + amount;
}

/**
 * VM entry, after its checks passed: loads the controls of a VMCS. Without VPIDs the mappings of the
 * previous guest go (SDM 28.3.3.1).
 */
export function loadControls(
  mmu: Mmu,
  vmcs: Vmcs,
  guest: GuestPages,
  counters: Float64Array,
): void {
  deriveControls(mmu, vmcs, guest, counters);
  if (!mmu.vpidEnabled) flushVpid(mmu.tlb, 0);
}

/** Words of a VMCS that software may change while a processor goes on with what its last entry loaded. */
export const CONTROL_WORDS = 3;

/** Those words as they are now: the secondary controls, and the EPT pointer. */
export function controlWords(vmcs: Vmcs): readonly [number, number, number] {
  const [low, high] = [2 * Field.eptPointer, 2 * Field.eptPointer + 1];
  return [secondaryControls(vmcs), vmcs.words[low]!, vmcs.words[high]!];
}

/**
 * The controls of a VMCS without the effects of an entry: what a restored processor had loaded.
 * @param words as they were at the entry
 */
export function deriveControls(
  mmu: Mmu,
  vmcs: Vmcs,
  guest: GuestPages,
  counters: Float64Array,
  words: ArrayLike<number> = controlWords(vmcs),
): void {
  mmu.vmcs = vmcs;
  mmu.guest = guest;
  mmu.counters = counters;
  const [secondary, pointer, pointerHigh] = [words[0]!, words[1]!, words[2]!];
  mmu.eptEnabled = (secondary & SECONDARY_EPT) !== 0;
  // The low bits of a top table of several frames are not looked at.
  mmu.eptRoot = pageOfWords(pointer, pointerHigh) & -(1 << mmu.format.rootBits);
  if (mmu.eptEnabled) requireHeld(pointerHigh, "the EPT pointer");
  requireHeld(vmcs.words[2 * Field.guestCr3 + 1]!, "CR3");
  loadFormat(mmu, pointer, secondary);
  loadLogs(mmu, secondary);
  mmu.vpidEnabled = (secondary & SECONDARY_VPID) !== 0;
  mmu.vpid = mmu.vpidEnabled ? readField(vmcs, Field.vpid) & 0xffff : 0;
  loadPlainMasks(mmu);
  loadGuestMode(mmu);
}

/**
 * What the controls decide of the format. With A/D on, any access to a guest structure is a write (SDM 28.2.5; APM vol. 2
 * 15.25.6), unless a control says that reads are reads.
 */
function loadFormat(mmu: Mmu, pointer: number, secondary: number): void {
  const { format } = mmu;
  mmu.accessedDirty = mmu.eptEnabled && setsFlags(format, pointer);
  const readOnly = secondary & format.structuresReadOnly;
  mmu.structureWrites = mmu.accessedDirty && readOnly === 0;
  mmu.modeBasedExecute = (secondary & SECONDARY_MODE_BASED_EXECUTE) !== 0;
  mmu.presentMask = mmu.modeBasedExecute ? format.presentModeBased : format.present;
  mmu.demandMask = format.demands | (mmu.accessedDirty ? 0 : format.demandsWithoutFlags);
  mmu.writeDemand = mmu.accessedDirty ? 0 : format.writeDemandsWithoutFlags;
  mmu.guestFlagsFault = (secondary & format.guestFlagsFault) !== 0;
  // The rest of what allows to write, in the high word, is what leaves D to the processor.
  const setsDirty = mmu.accessedDirty && (secondary & format.accessedAlone) === 0;
  const lower = lowAttributes(format);
  mmu.writableHigh = setsDirty ? format.write & ~lower : 0;
  mmu.dirtyGrants = mmu.writableHigh === 0 ? 0 : WRITE;
  const byDirty = mmu.accessedDirty || mmu.writeDemand !== 0;
  const allowing = byDirty ? format.dirty : format.write & lower;
  mmu.dirtyShift = Math.log2(allowing / WRITE);
}

function loadLogs(mmu: Mmu, secondary: number): void {
  mmu.dirtyLog = null;
  mmu.walkLog = null;
  mmu.skipsStructures = false;
  for (const unit of mmu.units) {
    if (!isSelected(mmu.units, unit, secondary)) continue;
    if (!mmu.eptEnabled || (unit.needsFlags && !mmu.accessedDirty)) continue;
    const { log } = unit;
    if (log.logs === "transitions") mmu.dirtyLog = log;
    else {
      mmu.walkLog = log;
      mmu.skipsStructures = log.skipsStructures(secondary);
    }
  }
}

/** Whether controls select a unit, and none that takes its place. */
export function isSelected(units: readonly LogUnit[], unit: LogUnit, secondary: number): boolean {
  const { selectedBy } = unit;
  if ((secondary & selectedBy) !== selectedBy) return false;
  for (const other of units) {
    const takesPlace = other !== unit && (other.selectedBy & selectedBy) === selectedBy;
    if (takesPlace && (secondary & other.selectedBy) === other.selectedBy) return false;
  }
  return true;
}

/**
 * The entries that the fast walk may pass without a decision: the format's plain ones, with A where flags are on. With
 * mode-based execute control, in Bochs mode (which asks the log in every walk), and without EPT, no entry qualifies.
 */
function loadPlainMasks(mmu: Mmu): void {
  const { plainTable, plainPage, plainPageHigh } = mmu.format;
  const flag = mmu.accessedDirty ? mmu.accessedMask : 0;
  const tableFlag = mmu.leavesDecide ? 0 : flag;
  const decided =
    mmu.eptEnabled && !mmu.modeBasedExecute && mmu.compatibility !== Compatibility.bochs;
  mmu.plainTableMask = plainTable.mask | tableFlag;
  mmu.plainTableBits = decided ? plainTable.bits | tableFlag : -1;
  mmu.plainPageMask = plainPage.mask | flag;
  mmu.plainPageBits = decided ? plainPage.bits | flag : -1;
  mmu.plainPageHighMask = mmu.unusualHighBits & ~(plainPageHigh & ~mmu.writableHigh);
  mmu.plainPageHighBits = plainPageHigh & mmu.writableHigh;
  const controls = (mmu.accessedDirty ? 1 : 0) | (decided ? 2 : 0);
  mmu.leafTables = mmu.memory.leafTables(mmu.eptRoot, controls);
}

/** Loads what the guest itself can change: paging mode and privilege. */
export function loadGuestMode(mmu: Mmu): void {
  const { traced } = mmu.guest;
  mmu.paging = traced === null ? readField(mmu.vmcs, Field.guestPaging) : PAGING_TRACED;
  mmu.linearSignBit = linearSignBit(mmu);
  const mode = readField(mmu.vmcs, Field.guestMode);
  mmu.user = (mode & GuestMode.user) !== 0;
  mmu.writeProtect = (mode & GuestMode.writeProtect) !== 0;
  mmu.noExecute = (mode & GuestMode.noExecuteEnable) !== 0;
  const ep4ta = mmu.eptEnabled ? mmu.eptRoot : 0;
  // An entry's rights were worked out for one privilege and one setting of CR0.WP and EFER.NXE.
  mmu.space = spaceOf(mmu.tlb, mmu.vpid, ep4ta, mode) << META_SPACE_SHIFT;
}

/** Long mode sign-extends the top bit that it translates; a PAE guest's linear pages all lie below their number. */
function linearSignBit({ paging, geometry }: Mmu): number {
  if (paging === GuestPaging.off || paging === PAGING_TRACED) return SIGN_BIT;
  if (paging === GuestPaging.pae) return Math.log2(paePages(geometry));
  return Math.min(longModeBits(geometry) - PAGE_BITS - 1, SIGN_BIT);
}

/** VM exit: without VPIDs the guest's mappings go (SDM 28.3.3.1). Saves nothing: the VMCS is worked on in place. */
export function leaveGuest(mmu: Mmu): void {
  if (!mmu.vpidEnabled) flushVpid(mmu.tlb, 0);
}

/** Charges one log store to the vCPU. */
export function chargeLogStore(mmu: Mmu): void {
  count(mmu, Counter.logEntries, 1);
  mmu.walkCycles += mmu.costs.logStore;
}
