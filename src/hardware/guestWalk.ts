/**
 * The guest half of the two-dimensional walk: from a linear page to a guest-physical page. Each
 * paging structure is reached through secondStageAccess, so it is itself accessed, dirtied and logged.
 */
import { Counter } from "./counters.ts";
import {
  GUEST_ACCESSED,
  GUEST_DIRTY,
  GUEST_LARGE,
  GUEST_NO_EXECUTE_HIGH,
  GUEST_PRESENT,
  GUEST_USER,
  GUEST_WRITE,
  PageFault,
} from "./guestEntry.ts";
import { DATA_FRAME_BASE } from "./memory.ts";
import { Compatibility, count, LinearPage, loadGuestMode, type Mmu } from "./mmu.ts";
import { loadPdptes } from "./pdptes.ts";
import { EXECUTE, READ, RWX, WRITE } from "./rights.ts";
import { notePage } from "./roundTruth.ts";
import { Access, Outcome, secondStageAccess } from "./secondStageWalk.ts";
import { flushVpid } from "./tlb.ts";
import { tracedWalk } from "./tracedWalk.ts";
import {
  Field,
  GuestPaging,
  PAGING_TRACED,
  readField,
  SECONDARY_UNRESTRICTED_GUEST,
  secondaryControls,
  writeField,
} from "./vmcs.ts";
import { AddressNotHeldError, NOT_HELD, pageOfWords, requireHeld } from "./words.ts";

/** Levels below the four PDPTEs of a PAE guest. */
const PAE_LEVELS = 2;

/**
 * Walks the guest's paging structures for one access. On Outcome.done: mmu.page is the page,
 * mmu.guestLeafBits its size, mmu.guestRights what the guest allows. On Outcome.pageFault:
 * mmu.pageFaultError.
 */
export function guestWalk(mmu: Mmu, linearPage: number, access: number): number {
  if (mmu.paging === GuestPaging.off) {
    mmu.page = linearPage;
    mmu.guestLeafBits = 31;
    mmu.guestRights = RWX;
    mmu.linearPageBits = LinearPage.user | LinearPage.writable;
    return Outcome.done;
  }
  if (mmu.paging === PAGING_TRACED) return tracedWalk(mmu, linearPage, access);
  const { memory, guestPath, vmcs } = mmu;
  const { indexBits } = mmu.geometry;
  const indexMask = (1 << indexBits) - 1;
  const offset = mmu.offset;
  // Canonical: the bits from the top one that is translated upwards are equal.
  const above = linearPage >> mmu.linearSignBit;
  if (above !== 0 && above !== -1) return beyondLinear(mmu);
  let level = mmu.geometry.guestLevels;
  let table = 0;
  let rights = GUEST_WRITE | GUEST_USER;
  let noExecute = 0;
  let leafLow = 0;
  if (mmu.paging === GuestPaging.pae) {
    level = PAE_LEVELS;
    const pdpte = Field.guestPdpte0 + ((linearPage >>> (PAE_LEVELS * indexBits)) & 3);
    const low = readField(vmcs, pdpte);
    if ((low & GUEST_PRESENT) === 0) return pageFault(mmu, access, 0);
    table = pageOfWords(low, vmcs.words[2 * pdpte + 1]!);
  } else {
    const words = vmcs.words;
    table = pageOfWords(words[2 * Field.guestCr3]!, words[2 * Field.guestCr3 + 1]!);
  }
  const topLevel = level;
  for (;;) {
    // Page numbers of the upper half are negative: the shift extends their sign.
    const shift = (level - 1) * indexBits;
    const index = (linearPage >> (shift < 31 ? shift : 31)) & indexMask;
    mmu.offset = 8 * index;
    const outcome = secondStageAccess(mmu, table, Access.read | Access.structure);
    if (outcome !== Outcome.done) {
      mmu.offset = offset;
      return outcome;
    }
    count(mmu, Counter.walkReferences, 1);
    mmu.walkCycles += mmu.costs.walkReference;
    // A frame without bytes reads as zeros: its entries are not present.
    const entry = mmu.frame < DATA_FRAME_BASE ? mmu.frame * memory.frameWords + 2 * index : 0;
    const low = memory.words[entry]!;
    const high = memory.words[entry + 1]!;
    guestPath[level] = entry;
    if ((low & GUEST_PRESENT) === 0) {
      mmu.offset = offset;
      return pageFault(mmu, access, 0);
    }
    if (hasReservedBits(mmu, low, high, level)) {
      mmu.offset = offset;
      return pageFault(mmu, access, PageFault.protection | PageFault.reserved);
    }
    if ((high & NOT_HELD) !== 0) {
      throw new AddressNotHeldError("the address in a guest paging-structure entry");
    }
    rights &= low;
    noExecute |= high & GUEST_NO_EXECUTE_HIGH;
    table = pageOfWords(low, high);
    leafLow = low;
    if (level === 1 || (level <= 3 && (low & GUEST_LARGE) !== 0)) break;
    level--;
  }
  mmu.offset = offset;
  if (!mmu.noExecute) noExecute = 0;
  mmu.guestRights = guestRightsFor(mmu, rights, noExecute);
  mmu.linearPageBits =
    ((rights & GUEST_USER) !== 0 ? LinearPage.user : 0) |
    ((rights & GUEST_WRITE) !== 0 ? LinearPage.writable : 0) |
    (noExecute !== 0 ? LinearPage.executeDisable : 0);
  if ((mmu.guestRights & access & RWX) !== (access & RWX)) {
    return pageFault(mmu, access, PageFault.protection);
  }
  const write = (access & WRITE) !== 0;
  const outcome = updateGuestFlags(mmu, topLevel, level, write);
  if (outcome !== Outcome.done) return outcome;
  // As for the EPT: what is cached while the guest's D is 0 must not satisfy a write.
  if (!write && (leafLow & GUEST_DIRTY) === 0) mmu.guestRights &= ~WRITE;
  mmu.guestLeafBits = (level - 1) * indexBits;
  const offsetMask = level === 1 ? 0 : (1 << mmu.guestLeafBits) - 1;
  mmu.page = (table & ~offsetMask) | (linearPage & offsetMask);
  return Outcome.done;
}

/** Long mode answers an address that is not canonical with #GP. PAE addresses have been cut to 32 bits before. */
function beyondLinear(mmu: Mmu): number {
  if (mmu.paging === GuestPaging.longMode) return Outcome.generalProtection;
  throw new Error("a linear address of more than 32 bits in a PAE guest");
}

/** The rights of a guest mapping for the current privilege, as bits of rights.ts (SDM vol. 3A 4.6). */
function guestRightsFor(mmu: Mmu, rights: number, noExecute: number): number {
  const userPage = (rights & GUEST_USER) !== 0;
  if (mmu.user && !userPage) return 0;
  const writable = (rights & GUEST_WRITE) !== 0 || (!mmu.user && !mmu.writeProtect);
  return READ | (writable ? WRITE : 0) | (noExecute === 0 ? EXECUTE : 0);
}

function hasReservedBits(mmu: Mmu, low: number, high: number, level: number): boolean {
  const { physicalAddressBits, indexBits } = mmu.geometry;
  // Bits 62:52 are reserved in PAE entries, and ignored in those of long mode (SDM vol. 3A 4.4.2, 4.5).
  const addressBits = mmu.paging === GuestPaging.pae ? high & 0x7fffffff : high & 0xfffff;
  if (addressBits >>> (physicalAddressBits - 32) !== 0) return true;
  if ((high & GUEST_NO_EXECUTE_HIGH) !== 0 && !mmu.noExecute) return true;
  if (level === 1 || (low & GUEST_LARGE) === 0) return false;
  if (level > 3) return true;
  // The address bits below the page size are reserved, except bit 12, which selects the memory type.
  const offsetBits = (level - 1) * indexBits;
  return ((low >>> 12) & ((1 << offsetBits) - 1) & ~1) !== 0;
}

/**
 * Sets the guest's own A flags, and D on a write, once the walk has succeeded (Bochs
 * update_access_dirty_PAE; KVM commit 8cbc7069 says the same of Intel's processors). Where any
 * access to a guest structure is a write, the reads above had its permission; elsewhere each update needs it separately
 * (kvm-unit-tests paddr_*_ad_disabled), which Bochs does not ask.
 */
function updateGuestFlags(mmu: Mmu, topLevel: number, leafLevel: number, write: boolean): number {
  const { memory, guestPath } = mmu;
  for (let level = topLevel; level >= leafLevel; level--) {
    const entry = guestPath[level]!;
    const low = memory.words[entry]!;
    const wanted = low | GUEST_ACCESSED | (write && level === leafLevel ? GUEST_DIRTY : 0);
    if (wanted === low) continue;
    // As of the entry itself: that it is there is no help (RISC-V henvcfg.ADUE of 0).
    if (mmu.guestFlagsFault) {
      return pageFault(mmu, mmu.linearNeed, PageFault.protection);
    }
    if (!mmu.structureWrites && mmu.compatibility !== Compatibility.bochs) {
      const outcome = checkStructureWrite(mmu, topLevel, level, entry);
      if (outcome !== Outcome.done) return outcome;
    }
    memory.storeStructureWord(entry, wanted);
    const { round } = mmu.guest;
    if (round !== null) notePage(round.structureWrites, structurePage(mmu, topLevel, level));
  }
  return Outcome.done;
}

/** The separate EPT write to the structure at `level`. */
function checkStructureWrite(mmu: Mmu, topLevel: number, level: number, entry: number): number {
  const offset = mmu.offset;
  mmu.offset = 4 * (entry % mmu.memory.frameWords);
  const access = Access.readModifyWrite | Access.structure;
  const outcome = secondStageAccess(mmu, structurePage(mmu, topLevel, level), access);
  mmu.offset = offset;
  return outcome;
}

/** The guest-physical page of the structure at `level` of the last walk: the entry above names it. */
function structurePage(mmu: Mmu, topLevel: number, level: number): number {
  const { memory, guestPath, vmcs } = mmu;
  if (level < topLevel) {
    const parent = guestPath[level + 1]!;
    return pageOfWords(memory.words[parent]!, memory.words[parent + 1]!);
  }
  const root =
    mmu.paging === GuestPaging.pae
      ? Field.guestPdpte0 + ((mmu.linearPage >>> (PAE_LEVELS * mmu.geometry.indexBits)) & 3)
      : Field.guestCr3;
  return pageOfWords(vmcs.words[2 * root]!, vmcs.words[2 * root + 1]!);
}

function pageFault(mmu: Mmu, access: number, cause: number): number {
  let error = cause;
  if ((access & WRITE) !== 0) error |= PageFault.write;
  if (mmu.user) error |= PageFault.user;
  if ((access & EXECUTE) !== 0 && mmu.noExecute) error |= PageFault.fetch;
  mmu.pageFaultError = error;
  return Outcome.pageFault;
}

/**
 * MOV to CR3. The PDPTEs of a PAE guest are loaded first: an exit or #GP then leaves CR3, the PDPTEs and the
 * TLB as they were. Elsewhere it touches no memory, and bits beyond the physical-address width are #GP (SDM
 * vol. 2B, MOV to control registers). The combined mappings of the VPID go (SDM 28.3.3.1).
 * @returns one of Outcome
 */
export function moveToCr3(mmu: Mmu, low: number, high: number): number {
  const isPae = mmu.paging === GuestPaging.pae;
  if (isPae) {
    const outcome = loadPdptes(mmu, low);
    if (outcome !== Outcome.done) return outcome;
  } else {
    if (high >>> (mmu.geometry.physicalAddressBits - 32) !== 0) return Outcome.generalProtection;
    requireHeld(high, "CR3");
  }
  writeField(mmu.vmcs, Field.guestCr3, low, isPae ? 0 : high);
  flushVpid(mmu.tlb, mmu.vpid);
  return Outcome.done;
}

/**
 * MOV to CR0 or CR4 after which another paging mode is in use, or PAE paging with another CR0.CD, CR0.NW,
 * CR4.PGE, CR4.PSE or CR4.SMEP: PAE paging then loads the PDPTEs from the present CR3 (SDM vol. 3A 4.4.1;
 * Bochs SetCR0 and SetCR4), first as for MOV to CR3; and the combined mappings of the VPID go. Without
 * "unrestricted guest" paging cannot be turned off where CR0.PG is fixed (SDM vol. 3C 23.8).
 * @returns one of Outcome
 */
export function changePaging(mmu: Mmu, paging: number): number {
  const { vmcs } = mmu;
  const unrestricted = (secondaryControls(vmcs) & SECONDARY_UNRESTRICTED_GUEST) !== 0;
  if (paging === GuestPaging.off && mmu.capabilities.cr0PagingFixed && !unrestricted) {
    return Outcome.generalProtection;
  }
  if (paging === GuestPaging.pae) {
    const outcome = loadPdptes(mmu, readField(vmcs, Field.guestCr3));
    if (outcome !== Outcome.done) return outcome;
  }
  writeField(vmcs, Field.guestPaging, paging);
  flushVpid(mmu.tlb, mmu.vpid);
  loadGuestMode(mmu);
  return Outcome.done;
}
