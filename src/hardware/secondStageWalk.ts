/**
 * The second-stage step of an access: walk, permissions, accessed and dirty flags, and the log, in the order
 * of SDM vol. 3C 28.2.3 to 28.2.6. Every guest-physical access goes through secondStageAccess. What entries look like
 * the format says (formats/entryFormat.ts), whose masks the MMU holds.
 */
import { Counter } from "./counters.ts";
import { Cause, type FaultBits, LEVELS } from "./formats/entryFormat.ts";
import { DATA_FRAME_BASE } from "./memory.ts";
import { Compatibility, count, LinearPage, type Mmu, type TransitionLog } from "./mmu.ts";
import { EXECUTE, READ, RWX, USER_EXECUTE, WRITE } from "./rights.ts";
import { Field, readField, writeField } from "./vmcs.ts";
import { AddressNotHeldError, pageAddressLow } from "./words.ts";

/** Kinds of access, as bits: the first three are the rights needed. */
export const Access = {
  read: READ,
  write: WRITE,
  fetch: EXECUTE,
  readModifyWrite: READ | WRITE,
  /** The page holds a guest paging structure: exit qualification bit 8 is 0. */
  structure: 1 << 3,
  /** No linear address is being translated (PDPTE loads): exit qualification bit 7 is 0. */
  noLinearAddress: 1 << 4,
} as const;

/** How an access ends. */
export const Outcome = {
  done: 0,
  eptViolation: 1,
  eptMisconfiguration: 2,
  logFull: 3,
  /** #PF: an exception in the guest, not an exit. */
  pageFault: 4,
  /** #GP: an address that is not canonical, or MOV to a control register. */
  generalProtection: 5,
  /** #SS: the same of the stack in event delivery or IRET. */
  stackFault: 6,
} as const;

/** PDPTE loads are reads, whatever else holds for structures (SDM 27.2.1). */
const STRUCTURE_OR_LOAD = Access.structure | Access.noLinearAddress;

/**
 * Performs one guest-physical access to `page`. On Outcome.done, mmu.rights, mmu.frame and
 * mmu.leafBits describe the mapping; otherwise the exit fields of the VMCS are written, no flag has
 * changed, and the access has not happened.
 * @param access bits of Access
 */
export function secondStageAccess(mmu: Mmu, page: number, access: number): number {
  if (!mmu.eptEnabled) {
    mmu.rights = RWX;
    mmu.frame = page;
    mmu.leafBits = 31;
    return Outcome.done;
  }
  const leaf = plainLeaf(mmu, page);
  if (leaf !== 0 && plainAccess(mmu, page, access, leaf)) return Outcome.done;
  return walkTables(mmu, page, access);
}

/**
 * The common case of the upper levels, which needs no decision: every entry is well-formed, RWX and
 * accessed. Returns the word index of the 4 KiB leaf, or 0 if the full walk must look.
 */
export function plainLeaf(mmu: Mmu, page: number): number {
  const { region: regions, firstLeaf } = mmu.leafTables;
  const region = page >>> mmu.indexBits;
  const slot = region & (regions.length - 1);
  if (regions[slot] !== region) return findPlainLeaf(mmu, page);
  return firstLeaf[slot]! + ((page << 1) & (mmu.memory.frameWords - 1));
}

function findPlainLeaf(mmu: Mmu, page: number): number {
  const { indexBits, plainTableMask, plainTableBits, unusualHighBits, leafTables } = mmu;
  const { words, frameWords, tableMarks } = mmu.memory;
  const { addressShift, highShift } = mmu;
  let indexMask = mmu.rootMask;
  if (page >>> 0 >= mmu.eptPages) return 0;
  let table = mmu.eptRoot;
  for (let shift = mmu.eptTopShift; shift > 0; shift -= indexBits) {
    const index = shift < 32 ? (page >>> shift) & indexMask : 0;
    const entry = table * frameWords + 2 * index;
    const low = words[entry]!;
    const high = words[entry + 1]!;
    if ((low & plainTableMask) !== plainTableBits || (high & unusualHighBits) !== 0) return 0;
    tableMarks[table] = 1;
    table = (low >>> addressShift) | (high << highShift);
    indexMask = (1 << indexBits) - 1;
  }
  // A table outside the frames that have bytes is not there: the full walk says so.
  if (table >>> 0 >= DATA_FRAME_BASE) return 0;
  const region = page >>> indexBits;
  const slot = region & (leafTables.region.length - 1);
  leafTables.region[slot] = region;
  leafTables.firstLeaf[slot] = table * frameWords;
  return table * frameWords + 2 * (page & indexMask);
}

/** Completes an access whose leaf allows it and needs no flag set; false if the full walk must look. */
function plainAccess(mmu: Mmu, page: number, access: number, leaf: number): boolean {
  const low = mmu.memory.words[leaf]!;
  const high = mmu.memory.words[leaf + 1]!;
  if (
    (low & mmu.plainPageMask) !== mmu.plainPageBits ||
    (high & mmu.plainPageHighMask) !== mmu.plainPageHighBits
  ) {
    return false;
  }
  // What allows to write: D where flags are on, else W itself.
  const rights = (low >>> mmu.grantShift) & RWX & (~WRITE | (low >>> mmu.dirtyShift));
  let needed = access & RWX;
  if ((access & STRUCTURE_OR_LOAD) === Access.structure && mmu.structureWrites) needed |= WRITE;
  if ((rights & needed) !== needed) return false;
  noteWalk(mmu, page, access);
  mmu.rights = rights;
  mmu.leafBits = 0;
  mmu.frame = (low >>> mmu.addressShift) | (high << mmu.highShift);
  countReferences(mmu, mmu.eptLevels);
  return true;
}

/** A log of walks is given what this one found. */
function noteWalk(mmu: Mmu, page: number, access: number): void {
  const { walkLog } = mmu;
  if (walkLog === null || (mmu.skipsStructures && (access & Access.structure) !== 0)) return;
  walkLog.log(mmu, page);
}

function countReferences(mmu: Mmu, references: number): void {
  count(mmu, Counter.walkReferences, references);
  mmu.walkCycles += references * mmu.walkReferenceCost;
}

/** The full walk of secondStageAccess. */
function walkTables(mmu: Mmu, page: number, access: number): number {
  const { memory, path, presentMask, largeMask, inverted, reservedLow, reservedHigh } = mmu;
  const { indexBits, eptLevels } = mmu.geometry;
  const { words, frameWords } = memory;
  const { addressShift, highShift } = mmu;
  let indexMask = mmu.rootMask;
  let table = mmu.eptRoot;
  let allLow = -1;
  let someHigh = 0;
  let level = eptLevels;
  let low = 0;
  let high = 0;
  // 4 levels translate 48 bits, 5 all 52: a GPA beyond has no entry (Intel 335252 "5-Level Paging and 5-Level EPT"; Linux b628cb523c65).
  if (page >>> 0 >= mmu.eptPages) {
    return violation(mmu, page, access, 0, Cause.beyondTables, eptLevels);
  }
  for (;;) {
    const shift = (level - 1) * indexBits;
    const index = shift < 32 ? (page >>> shift) & indexMask : 0;
    const entry = table * frameWords + 2 * index;
    low = words[entry]!;
    high = words[entry + 1]!;
    path[level] = entry;
    allLow &= low;
    someHigh |= high;
    if ((low & presentMask) === 0) {
      countReferences(mmu, eptLevels - level + 1);
      return violation(mmu, page, access, grantedBy(mmu, allLow, someHigh), Cause.absent, level);
    }
    const asMeant = low ^ inverted;
    const isLeaf = level === 1 || (level <= 3 && (asMeant & largeMask) !== 0);
    const malformed = (low & 32) === 0 ? mmu.malformedLow : mmu.malformedLow32;
    if (
      (asMeant & reservedLow[isLeaf ? LEVELS + level : level]!) !== 0 ||
      (high & reservedHigh) !== 0 ||
      ((malformed >>> (low & 31)) & 1) !== 0
    ) {
      countReferences(mmu, eptLevels - level + 1);
      return malformedEntry(mmu, page, access, high, level);
    }
    if ((high & mmu.notHeldHigh) !== 0) {
      throw new AddressNotHeldError("the address in an entry of the second level");
    }
    if (isLeaf) break;
    table = (low >>> addressShift) | (high << highShift);
    indexMask = (1 << indexBits) - 1;
    level--;
  }
  countReferences(mmu, eptLevels - level + 1);

  if (mmu.leavesDecide) {
    allLow = low;
    someHigh = high;
  }
  let granted = grantedBy(mmu, allLow, someHigh);
  const asWrite = (access & WRITE) !== 0 || isStructureWrite(mmu, access);
  // Mode-based execute control: a fetch from a user-mode linear address needs bit 10 instead of bit 2. It
  // is the page's U/S flags that decide, not the CPL (SDM 28.2.3.2; Bochs translate_guest_physical).
  const userExecute = mmu.modeBasedExecute && (mmu.linearPageBits & LinearPage.user) !== 0;
  let needed = access & RWX;
  if (asWrite) needed |= WRITE;
  if (userExecute && (needed & EXECUTE) !== 0) {
    needed = (needed & ~EXECUTE) | USER_EXECUTE;
  }
  if ((granted & needed) !== needed) {
    const isFlag = (allLow & mmu.demandMask) !== mmu.demandMask;
    const cause = isFlag ? Cause.accessedClear : Cause.rights;
    return violation(mmu, page, access, granted, cause, level);
  }

  if (mmu.accessedDirty) {
    const allAccessed = (allLow & mmu.accessedMask) !== 0;
    const outcome = updateFlags(mmu, page, access, level, low, allAccessed, asWrite);
    if (outcome !== Outcome.done) return outcome;
    // A mapping cached while D = 0 must not satisfy a later write (SDM 28.3.2; Bochs tlb accessBits).
    if (!asWrite && (low & mmu.dirtyMask) === 0) granted &= ~WRITE;
  }
  noteWalk(mmu, page, access);
  if (userExecute) {
    granted = (granted & ~EXECUTE) | ((granted & USER_EXECUTE) >>> 8);
  }
  mmu.rights = granted & RWX;
  mmu.leafBits = (level - 1) * indexBits;
  const offsetMask = level === 1 ? 0 : (1 << mmu.leafBits) - 1;
  mmu.frame = (((low >>> addressShift) | (high << highShift)) & ~offsetMask) | (page & offsetMask);
  return Outcome.done;
}

/** What the entries of a walk grant, from the AND of their low words and the OR of the high ones. */
function grantedBy(mmu: Mmu, allLow: number, someHigh: number): number {
  if ((allLow & mmu.demandMask) !== mmu.demandMask) return 0;
  let granted = (allLow >>> mmu.grantShift) & mmu.grantMask;
  if ((allLow & mmu.writeDemand) !== mmu.writeDemand) granted &= ~WRITE;
  const { noExecuteHigh } = mmu;
  if ((someHigh & mmu.writableHigh) !== 0) granted |= WRITE;
  if (noExecuteHigh === 0) return granted;
  return (someHigh & noExecuteHigh) === 0 ? granted | EXECUTE : granted & ~EXECUTE;
}

function isStructureWrite(mmu: Mmu, access: number): boolean {
  return (access & STRUCTURE_OR_LOAD) === Access.structure && mmu.structureWrites;
}

/**
 * Sets A in every entry used and D in the leaf on writes, after asking the log; a full log means an
 * exit with nothing set (SDM 28.2.6). Bochs asks the index even when no flag is to be set; nested
 * KVM only asks when D is, and by then has set A in the upper levels (hardware.md 2.9).
 */
function updateFlags(
  mmu: Mmu,
  page: number,
  access: number,
  leafLevel: number,
  leafLow: number,
  allAccessed: boolean,
  asWrite: boolean,
): number {
  const setDirty = asWrite && (leafLow & mmu.dirtyMask) === 0;
  const somethingToSet = setDirty || !allAccessed;
  const log = mmu.dirtyLog;
  if (log !== null && (somethingToSet || mmu.compatibility === Compatibility.bochs)) {
    const gatesAccessed = log.gatesAccessed && mmu.compatibility !== Compatibility.kvm;
    if ((setDirty || gatesAccessed) && log.isFull(mmu)) {
      if (mmu.compatibility === Compatibility.kvm) setAccessed(mmu, leafLevel + 1);
      return logFull(mmu, page, log, access, leafLevel);
    }
  }
  if (!somethingToSet) return Outcome.done;
  if (!allAccessed) setAccessed(mmu, leafLevel);
  if (setDirty) setDirtyAndLog(mmu, page, mmu.path[leafLevel]!, leafLevel);
  return Outcome.done;
}

function setDirtyAndLog(mmu: Mmu, page: number, leaf: number, level: number): void {
  mmu.memory.storeWord(leaf, mmu.memory.words[leaf]! | mmu.dirtyMask);
  count(mmu, Counter.flagUpdates, 1);
  mmu.walkCycles += mmu.costs.flagUpdate;
  mmu.dirtyLog?.log(mmu, page, level);
}

/**
 * What remains of a walk that found a plain leaf (plainLeaf) without D, for a write that it allows.
 * Returns whether it is done: with a full log, or where software sets D, nothing happens, and the full walk must say so.
 */
export function plainFirstWrite(mmu: Mmu, page: number, leaf: number): boolean {
  if (!mmu.accessedDirty || mmu.dirtyLog?.isFull(mmu) === true) return false;
  setDirtyAndLog(mmu, page, leaf, 1);
  return true;
}

function setAccessed(mmu: Mmu, lowestLevel: number): void {
  const { memory, path, accessedMask } = mmu;
  const highest = mmu.leavesDecide ? lowestLevel : mmu.geometry.eptLevels;
  for (let level = highest; level >= lowestLevel; level--) {
    const entry = path[level]!;
    const low = memory.words[entry]!;
    if ((low & accessedMask) !== 0) continue;
    memory.storeWord(entry, low | accessedMask);
    count(mmu, Counter.flagUpdates, 1);
    mmu.walkCycles += mmu.costs.flagUpdate;
  }
}

/** @param cause why, and at which level, the walk ended */
function violation(
  mmu: Mmu,
  page: number,
  access: number,
  granted: number,
  cause: Cause,
  level: number,
): number {
  const { fault } = mmu.format;
  writeField(mmu.vmcs, Field.exitReason, fault.reason);
  const maps = cause !== Cause.absent && cause !== Cause.beyondTables;
  const report = maps ? fault.present : 0;
  const reported = fault.granted === null ? 0 : grantedBits(mmu, fault.granted, granted);
  writeQualification(mmu, access, report | reported | fault.status(cause, level), granted);
  writePhysicalAddress(mmu, page);
  mmu.finalRefused = (access & Access.structure) === 0;
  return Outcome.eptViolation;
}

function grantedBits(
  mmu: Mmu,
  { shift, userExecute }: NonNullable<FaultBits["granted"]>,
  granted: number,
): number {
  const forUser = mmu.modeBasedExecute && (granted & USER_EXECUTE) !== 0;
  return ((granted & RWX) << shift) | (forUser ? userExecute : 0);
}

/** What was needed, and of which access; an access to a guest structure that counts as a write reports read and write. */
function writeQualification(mmu: Mmu, access: number, bits: number, granted: number): void {
  const { fault } = mmu.format;
  let needed = access & RWX;
  if (isStructureWrite(mmu, access)) needed |= WRITE;
  if (fault.readFirst && (needed & READ & ~granted) !== 0) needed &= ~WRITE;
  // Bochs forgets the read of an access that also writes.
  if (mmu.compatibility === Compatibility.bochs && (needed & WRITE) !== 0) needed &= ~READ;
  let low = bits | fault.always;
  const isStructure = (access & Access.structure) !== 0;
  const original = isStructure ? mmu.linearNeed : needed;
  if (isStructure && fault.structureWrite !== 0) {
    if ((needed & WRITE) !== 0) low |= fault.structureWrite;
    needed = original;
  }
  if ((needed & READ) !== 0) low |= fault.read;
  if ((needed & WRITE) !== 0) low |= fault.write;
  if ((needed & EXECUTE) !== 0) low |= fault.fetch;
  if ((original & EXECUTE) === 0) low |= fault.data;
  if (isStructure) low |= fault.structure;
  if ((access & Access.noLinearAddress) === 0) {
    low |= fault.linear;
    if (!isStructure) low |= finalTranslationBits(mmu, fault);
    if (fault.reportsLinear) writeLinearAddress(mmu);
  }
  const high = isStructure ? fault.structureHigh : fault.finalHigh;
  writeField(mmu.vmcs, Field.exitQualification, low, high);
}

/** What the processor adds if it gives advanced information: bits 11:9 (SDM table 27-7). */
function finalTranslationBits({ capabilities, linearPageBits }: Mmu, fault: FaultBits): number {
  if (fault.final === 0 || !capabilities.advancedViolationInformation) return fault.final;
  return fault.final | (linearPageBits << fault.linearPageShift);
}

/** An entry that maps something in a way that is reserved. */
function malformedEntry(
  mmu: Mmu,
  page: number,
  access: number,
  high: number,
  level: number,
): number {
  const { malformed, status } = mmu.format.fault;
  const { reason, reports, bits } = malformed;
  const cause = (high & mmu.tooWideHigh) === 0 ? Cause.reserved : Cause.addressSize;
  writeField(mmu.vmcs, Field.exitReason, reason);
  if (reports) writeQualification(mmu, access, bits | status(cause, level), 0);
  else writeField(mmu.vmcs, Field.exitQualification, 0);
  writePhysicalAddress(mmu, page);
  return Outcome.eptMisconfiguration;
}

/**
 * The guest-physical address is undefined for this exit (SDM 27.2.1): only nested KVM writes it. Arm's is a permission fault of
 * the write (Arm ARM D8.5.2.3).
 */
function logFull(
  mmu: Mmu,
  page: number,
  log: TransitionLog,
  access: number,
  level: number,
): number {
  writeField(mmu.vmcs, Field.exitReason, log.exitReason);
  if (log.faultHigh === undefined) {
    writeField(mmu.vmcs, Field.exitQualification, 0);
    if (mmu.compatibility === Compatibility.kvm) writePhysicalAddress(mmu, page);
  } else {
    writeQualification(mmu, access, mmu.format.fault.status(Cause.rights, level), RWX & ~WRITE);
    const low = readField(mmu.vmcs, Field.exitQualification);
    writeField(mmu.vmcs, Field.exitQualification, low, log.faultHigh);
    writePhysicalAddress(mmu, page);
  }
  count(mmu, Counter.logFull, 1);
  return Outcome.logFull;
}

function writePhysicalAddress(mmu: Mmu, page: number): void {
  writeField(mmu.vmcs, Field.guestPhysicalAddress, pageAddressLow(page) | mmu.offset, page >>> 20);
}

function writeLinearAddress(mmu: Mmu): void {
  const page = mmu.linearPage;
  const low = pageAddressLow(page) | mmu.linearOffset;
  // Page numbers of the upper half are negative.
  writeField(mmu.vmcs, Field.guestLinearAddress, low, page >> 20);
}
