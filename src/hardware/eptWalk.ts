/**
 * The EPT step of an access: walk, permissions, accessed and dirty flags, and the log, in the order
 * of SDM vol. 3C 28.2.3 to 28.2.6. Every guest-physical access goes through eptAccess.
 */
import { Counter } from "./counters.ts";
import {
  EPT_ACCESSED,
  EPT_DIRTY,
  EPT_EXECUTE,
  EPT_LARGE,
  EPT_READ,
  EPT_RWX,
  EPT_USER_EXECUTE,
  EPT_WRITE,
  isMisconfigured,
} from "./eptEntry.ts";
import { ExitReason, Qualification } from "./exit.ts";
import { DATA_FRAME_BASE } from "./memory.ts";
import { Compatibility, count, LinearPage, type Mmu } from "./mmu.ts";
import { Field, writeField } from "./vmcs.ts";
import { pageAddressLow, requireHeld } from "./words.ts";

/** Kinds of access, as bits: the first three are the rights needed, in the positions of an EPT entry. */
export const Access = {
  read: EPT_READ,
  write: EPT_WRITE,
  fetch: EPT_EXECUTE,
  readModifyWrite: EPT_READ | EPT_WRITE,
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

const NOT_A_READ_WITH_AD = Access.structure | Access.noLinearAddress;
/**
 * Performs one guest-physical access to `page`. On Outcome.done, mmu.rights, mmu.frame and
 * mmu.leafBits describe the mapping; otherwise the exit fields of the VMCS are written, no flag has
 * changed, and the access has not happened.
 * @param access bits of Access
 */
export function eptAccess(mmu: Mmu, page: number, access: number): number {
  if (!mmu.eptEnabled) {
    mmu.rights = EPT_RWX;
    mmu.frame = page;
    mmu.leafBits = 31;
    return Outcome.done;
  }
  const leaf = plainLeaf(mmu, page);
  if (leaf !== 0 && plainAccess(mmu, page, access, leaf)) return Outcome.done;
  return walkEpt(mmu, page, access);
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
  const indexMask = (1 << indexBits) - 1;
  if (page >>> 0 >= mmu.eptPages) return 0;
  let table = mmu.eptRoot;
  for (let shift = mmu.eptTopShift; shift > 0; shift -= indexBits) {
    const index = shift < 32 ? (page >>> shift) & indexMask : 0;
    const entry = table * frameWords + 2 * index;
    const low = words[entry]!;
    const high = words[entry + 1]!;
    if ((low & plainTableMask) !== plainTableBits || (high & unusualHighBits) !== 0) return 0;
    tableMarks[table] = 1;
    table = (low >>> 12) | (high << 20);
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
  if ((low & mmu.plainPageMask) !== mmu.plainPageBits || (high & mmu.unusualHighBits) !== 0) {
    return false;
  }
  let rights = low & EPT_RWX;
  let needed = access & EPT_RWX;
  if (mmu.accessedDirty) {
    if ((low & EPT_DIRTY) === 0) rights &= ~EPT_WRITE;
    if ((access & NOT_A_READ_WITH_AD) === Access.structure) needed |= EPT_WRITE;
  }
  if ((rights & needed) !== needed) return false;
  noteWalk(mmu, page, access);
  mmu.rights = rights;
  mmu.leafBits = 0;
  mmu.frame = (low >>> 12) | (high << 20);
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

/** The full walk of eptAccess. */
function walkEpt(mmu: Mmu, page: number, access: number): number {
  const { memory, path, capabilities } = mmu;
  const { indexBits, eptLevels, physicalAddressBits } = mmu.geometry;
  const { words, frameWords } = memory;
  const likeBochs = mmu.compatibility === Compatibility.bochs;
  const presentMask = mmu.modeBasedExecute ? EPT_RWX | EPT_USER_EXECUTE : EPT_RWX;
  const indexMask = (1 << indexBits) - 1;
  let table = mmu.eptRoot;
  let granted = EPT_RWX | EPT_USER_EXECUTE;
  let accessed = EPT_ACCESSED;
  let level = eptLevels;
  let low = 0;
  let high = 0;
  // 4 levels translate 48 bits, 5 all 52: a GPA beyond has no entry (Intel 335252 "5-Level Paging and 5-Level EPT"; Linux b628cb523c65).
  if (page >>> 0 >= mmu.eptPages) return violation(mmu, page, access, 0);
  for (;;) {
    const shift = (level - 1) * indexBits;
    const index = shift < 32 ? (page >>> shift) & indexMask : 0;
    const entry = table * frameWords + 2 * index;
    low = words[entry]!;
    high = words[entry + 1]!;
    path[level] = entry;
    granted &= low;
    if ((low & presentMask) === 0) {
      countReferences(mmu, eptLevels - level + 1);
      return violation(mmu, page, access, granted);
    }
    if (
      isMisconfigured(low, high, level, indexBits, physicalAddressBits, capabilities, likeBochs)
    ) {
      countReferences(mmu, eptLevels - level + 1);
      return misconfiguration(mmu, page);
    }
    requireHeld(high, "the address in an EPT entry");
    accessed &= low;
    if (level === 1 || (level <= 3 && (low & EPT_LARGE) !== 0)) break;
    table = (low >>> 12) | (high << 20);
    level--;
  }
  countReferences(mmu, eptLevels - level + 1);

  // With A/D on, any access to a guest paging structure counts as a write (SDM 28.2.5), but loads of PDPTEs do not.
  const structureWrite = mmu.accessedDirty && (access & NOT_A_READ_WITH_AD) === Access.structure;
  const asWrite = structureWrite || (access & EPT_WRITE) !== 0;
  // Mode-based execute control: a fetch from a user-mode linear address needs bit 10 instead of bit 2. It
  // is the page's U/S flags that decide, not the CPL (SDM 28.2.3.2; Bochs translate_guest_physical).
  const userExecute = mmu.modeBasedExecute && (mmu.linearPageBits & LinearPage.user) !== 0;
  let needed = access & EPT_RWX;
  if (asWrite) needed |= EPT_WRITE;
  if (userExecute && (needed & EPT_EXECUTE) !== 0) {
    needed = (needed & ~EPT_EXECUTE) | EPT_USER_EXECUTE;
  }
  if ((granted & needed) !== needed) return violation(mmu, page, access, granted);

  if (mmu.accessedDirty) {
    const outcome = updateFlags(mmu, page, level, low, accessed !== 0, asWrite);
    if (outcome !== Outcome.done) return outcome;
    // A mapping cached while D = 0 must not satisfy a later write (SDM 28.3.2; Bochs tlb accessBits).
    if (!asWrite && (low & EPT_DIRTY) === 0) granted &= ~EPT_WRITE;
  }
  noteWalk(mmu, page, access);
  if (userExecute) {
    granted = (granted & ~EPT_EXECUTE) | ((granted & EPT_USER_EXECUTE) >>> 8);
  }
  mmu.rights = granted & EPT_RWX;
  mmu.leafBits = (level - 1) * indexBits;
  const offsetMask = level === 1 ? 0 : (1 << mmu.leafBits) - 1;
  mmu.frame = (((low >>> 12) | (high << 20)) & ~offsetMask) | (page & offsetMask);
  return Outcome.done;
}

/**
 * Sets A in every entry used and D in the leaf on writes, after asking the log; a full log means an
 * exit with nothing set (SDM 28.2.6). Bochs asks the index even when no flag is to be set; nested
 * KVM only asks when D is, and by then has set A in the upper levels (hardware.md 2.9).
 */
function updateFlags(
  mmu: Mmu,
  page: number,
  leafLevel: number,
  leafLow: number,
  allAccessed: boolean,
  asWrite: boolean,
): number {
  const setDirty = asWrite && (leafLow & EPT_DIRTY) === 0;
  const somethingToSet = setDirty || !allAccessed;
  const log = mmu.dirtyLog;
  if (log !== null && (somethingToSet || mmu.compatibility === Compatibility.bochs)) {
    const gatesAccessed = log.gatesAccessed && mmu.compatibility !== Compatibility.kvm;
    if ((setDirty || gatesAccessed) && log.isFull(mmu)) {
      if (mmu.compatibility === Compatibility.kvm) setAccessed(mmu, leafLevel + 1);
      return logFull(mmu, page, log.exitReason);
    }
  }
  if (!somethingToSet) return Outcome.done;
  if (!allAccessed) setAccessed(mmu, leafLevel);
  if (setDirty) setDirtyAndLog(mmu, page, mmu.path[leafLevel]!);
  return Outcome.done;
}

function setDirtyAndLog(mmu: Mmu, page: number, leaf: number): void {
  mmu.memory.storeWord(leaf, mmu.memory.words[leaf]! | EPT_DIRTY);
  count(mmu, Counter.flagUpdates, 1);
  mmu.walkCycles += mmu.costs.flagUpdate;
  mmu.dirtyLog?.log(mmu, page);
}

/**
 * What remains of a walk that found a plain leaf (plainLeaf) without D, for a write that it allows.
 * Returns whether it is done: with a full log nothing happens, and the full walk must say so.
 */
export function plainFirstWrite(mmu: Mmu, page: number, leaf: number): boolean {
  if (mmu.dirtyLog?.isFull(mmu) === true) return false;
  setDirtyAndLog(mmu, page, leaf);
  return true;
}

function setAccessed(mmu: Mmu, lowestLevel: number): void {
  const { memory, path } = mmu;
  for (let level = mmu.geometry.eptLevels; level >= lowestLevel; level--) {
    const entry = path[level]!;
    const low = memory.words[entry]!;
    if ((low & EPT_ACCESSED) !== 0) continue;
    memory.storeWord(entry, low | EPT_ACCESSED);
    count(mmu, Counter.flagUpdates, 1);
    mmu.walkCycles += mmu.costs.flagUpdate;
  }
}

function violation(mmu: Mmu, page: number, access: number, granted: number): number {
  let qualification = access & EPT_RWX;
  if (mmu.accessedDirty && (access & NOT_A_READ_WITH_AD) === Access.structure) {
    // Such an access reports read and write.
    qualification |= Qualification.write;
  }
  // Bochs forgets the read of an access that also writes.
  if (mmu.compatibility === Compatibility.bochs && (qualification & Qualification.write) !== 0) {
    qualification &= ~Qualification.read;
  }
  qualification |= (granted & EPT_RWX) << Qualification.permissionShift;
  if (mmu.modeBasedExecute && (granted & EPT_USER_EXECUTE) !== 0) {
    qualification |= Qualification.permUserExecute;
  }
  if ((access & Access.noLinearAddress) === 0) {
    qualification |= Qualification.linearAddressValid;
    if ((access & Access.structure) === 0) qualification |= finalTranslationBits(mmu);
    writeLinearAddress(mmu);
  }
  writeField(mmu.vmcs, Field.exitReason, ExitReason.eptViolation);
  writeField(mmu.vmcs, Field.exitQualification, qualification);
  writePhysicalAddress(mmu, page);
  return Outcome.eptViolation;
}

/** Bit 8, and what the processor adds to it if it gives advanced information: bits 11:9 (SDM table 27-7). */
function finalTranslationBits(mmu: Mmu): number {
  if (!mmu.capabilities.advancedViolationInformation) return Qualification.finalTranslation;
  return Qualification.finalTranslation | (mmu.linearPageBits << Qualification.linearPageShift);
}

function misconfiguration(mmu: Mmu, page: number): number {
  writeField(mmu.vmcs, Field.exitReason, ExitReason.eptMisconfiguration);
  writeField(mmu.vmcs, Field.exitQualification, 0);
  writePhysicalAddress(mmu, page);
  return Outcome.eptMisconfiguration;
}

/** The guest-physical address is undefined for this exit (SDM 27.2.1): only nested KVM writes it. */
function logFull(mmu: Mmu, page: number, reason: number): number {
  writeField(mmu.vmcs, Field.exitReason, reason);
  writeField(mmu.vmcs, Field.exitQualification, 0);
  if (mmu.compatibility === Compatibility.kvm) writePhysicalAddress(mmu, page);
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
