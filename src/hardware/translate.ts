/** What happens beyond the first-level TLB: the second level, the two-dimensional walk, and the fills. */
import { Counter } from "./counters.ts";
import { longModeBits, paePages } from "./geometry.ts";
import { guestWalk } from "./guestWalk.ts";
import { count, type Mmu } from "./mmu.ts";
import { RWX } from "./rights.ts";
import { Outcome, secondStageAccess } from "./secondStageWalk.ts";
import { Filled, fillLevel, findInLevel, META_LARGE, revokePage } from "./tlb.ts";
import { GuestPaging } from "./vmcs.ts";
import { AddressNotHeldError } from "./words.ts";

/**
 * Translates one access that the first level could not satisfy. mmu.walkCycles grows by its cost.
 * @param need rights needed; @param l1Found what findInLevel said of the first level
 * @returns the guest-physical page, or -1 - outcome when the access does not complete.
 */
export function translateMiss(mmu: Mmu, linearPage: number, need: number, l1Found: number): number {
  const { tlb } = mmu;
  const l2Found = findInLevel(tlb.l2, linearPage, mmu.space | need);
  if (l2Found >= 0) {
    const page = tlb.l2.page[l2Found]!;
    fillLevel(tlb.l1, l1Found, linearPage, tlb.l2.meta[l2Found]!, page);
    mmu.l2Hits++;
    mmu.walkCycles += mmu.l2TlbHitCost;
    return page;
  }
  if ((tlb.state[1]! & Filled.large) !== 0) {
    const page = lookUpLarge(mmu, linearPage, need);
    if (page >= 0) return page;
  }
  mmu.walks++;
  count(mmu, Counter.walks, 1);
  const outcome = walk(mmu, linearPage, need);
  if (outcome !== Outcome.done) {
    revokeRefused(mmu, linearPage, outcome);
    return -1 - outcome;
  }
  const { page, rights } = mmu;
  if (mmu.leafBits >= tlb.largeBits) {
    fillLarge(mmu, linearPage);
  } else {
    fillLevel(tlb.l1, l1Found, linearPage, mmu.space | rights, page);
    fillLevel(tlb.l2, l2Found, linearPage, mmu.space | rights, page);
  }
  return page;
}

/**
 * A page fault, or a violation by the page itself, leaves no mapping of the linear page: what software
 * changes in an entry that has just refused needs no invalidation. A violation by a guest structure drops
 * guest-physical mappings only, which are not cached here.
 */
function revokeRefused(mmu: Mmu, linearPage: number, outcome: number): void {
  const byPage = outcome === Outcome.eptViolation && mmu.finalRefused;
  if (!byPage && outcome !== Outcome.pageFault) return;
  revokePage(mmu.tlb, mmu.vpid, mmu.eptEnabled ? mmu.eptRoot : 0, linearPage);
}

/**
 * The two-dimensional walk for one access. On Outcome.done: mmu.page the guest-physical page,
 * mmu.rights and mmu.leafBits what a TLB entry may hold, both dimensions combined.
 */
export function walk(mmu: Mmu, linearPage: number, need: number): number {
  mmu.linearPage = linearPage;
  mmu.linearOffset = mmu.offset;
  mmu.linearNeed = need;
  let outcome = guestWalk(mmu, linearPage, need);
  if (outcome !== Outcome.done) return outcome;
  outcome = secondStageAccess(mmu, mmu.page, need);
  if (outcome !== Outcome.done) return outcome;
  mmu.rights &= mmu.guestRights & RWX;
  if (mmu.guestLeafBits < mmu.leafBits) mmu.leafBits = mmu.guestLeafBits;
  else if (mmu.paging !== GuestPaging.off) notePieces(mmu);
  return Outcome.done;
}

/** Notes that the guest's page is larger than the entry that will be cached. */
function notePieces({ tlb, leafBits, guestLeafBits }: Mmu): void {
  const cachedBits = leafBits >= tlb.largeBits ? tlb.largeBits : 0;
  if (guestLeafBits > cachedBits) tlb.state[1] = tlb.state[1]! | Filled.pieces;
}

function lookUpLarge(mmu: Mmu, linearPage: number, need: number): number {
  const { tlb } = mmu;
  const tag = linearPage >>> tlb.largeBits;
  const offset = linearPage & ((1 << tlb.largeBits) - 1);
  const want = mmu.space | META_LARGE | need;
  const l1Found = findInLevel(tlb.l1Large, tag, want);
  if (l1Found >= 0) {
    mmu.l1LargeHits++;
    return tlb.l1Large.page[l1Found]! + offset;
  }
  const l2Found = findInLevel(tlb.l2, tag, want);
  if (l2Found < 0) return -1;
  fillLevel(tlb.l1Large, l1Found, tag, tlb.l2.meta[l2Found]!, tlb.l2.page[l2Found]!);
  mmu.l2Hits++;
  mmu.walkCycles += mmu.l2TlbHitCost;
  return tlb.l2.page[l2Found]! + offset;
}

function fillLarge(mmu: Mmu, linearPage: number): void {
  const { tlb } = mmu;
  const tag = linearPage >>> tlb.largeBits;
  const first = mmu.page & ~((1 << tlb.largeBits) - 1);
  const meta = mmu.space | META_LARGE | mmu.rights;
  fillLevel(tlb.l1Large, notCached(findInLevel(tlb.l1Large, tag, meta)), tag, meta, first);
  fillLevel(tlb.l2, notCached(findInLevel(tlb.l2, tag, meta)), tag, meta, first);
  tlb.state[1] = tlb.state[1]! | Filled.large;
}

/** A hit, seen by a fill, is an entry to overwrite. */
function notCached(found: number): number {
  return found >= 0 ? -2 - found : found;
}

/**
 * One access outside a burst, for event delivery and tests: through the TLB, with its flags and log.
 * @returns one of Outcome; on done mmu.page is the guest-physical page.
 */
export function translate(mmu: Mmu, linearPage: number, need: number): number {
  const found = findInLevel(mmu.tlb.l1, linearPage, mmu.space | need);
  if (found >= 0) {
    mmu.page = mmu.tlb.l1.page[found]!;
    return Outcome.done;
  }
  const { walks, l1LargeHits } = mmu;
  const page = translateMiss(mmu, linearPage, need, found);
  count(mmu, Counter.l1TlbMisses, 1 - (mmu.l1LargeHits - l1LargeHits));
  count(mmu, Counter.tlbMisses, mmu.walks - walks);
  if (page < 0) return -1 - page;
  mmu.page = page;
  return Outcome.done;
}

/** Largest page number that one signed word holds, plus one: 8 TiB of addresses on each side of 0. */
const HELD_PAGES = 2 ** 31;
const PAGE_BYTES = 4096;

/**
 * Whether a linear address is canonical: bits 63 to the top one that is translated are equal (SDM vol. 1
 * 3.3.7.1). Only long mode asks. @param address negative in the upper half
 */
export function isCanonical(mmu: Mmu, address: number): boolean {
  if (mmu.paging !== GuestPaging.longMode) return true;
  const half = 2 ** (longModeBits(mmu.geometry) - 1);
  return address >= -half && address < half;
}

/**
 * The page number by which the emulator knows a linear page. Outside long mode linear addresses have 32
 * bits and wrap (SDM vol. 3A 4.1.1; Bochs access_read_linear); without paging of its own the guest's
 * linear address is whatever address the EPT translates.
 */
export function linearPageOf(mmu: Mmu, address: number): number {
  let page = Math.floor(address / PAGE_BYTES);
  if (mmu.paging === GuestPaging.pae) {
    const pages = paePages(mmu.geometry);
    page = ((page % pages) + pages) % pages;
  }
  const least = mmu.paging === GuestPaging.longMode ? -HELD_PAGES : 0;
  if (page < least || page >= HELD_PAGES) throw new AddressNotHeldError("a linear address");
  return page;
}

/**
 * An access of some bytes, which may reach into a second page. Both pages are translated before
 * either half is performed; when the second ends in an exit, flags and log of the first stay as the
 * walk left them. An address that is not canonical is refused before any of it is translated.
 * @param address negative in the upper half of a long-mode guest
 * @param pages receives the guest-physical pages, in order of address
 */
export function translateBytes(
  mmu: Mmu,
  address: number,
  bytes: number,
  need: number,
  pages?: number[],
): number {
  const last = address + bytes - 1;
  if (!isCanonical(mmu, address) || !isCanonical(mmu, last)) return Outcome.generalProtection;
  const first = Math.floor(address / PAGE_BYTES);
  mmu.offset = address - first * PAGE_BYTES;
  for (let page = first; page * PAGE_BYTES <= last; page++) {
    const outcome = translate(mmu, linearPageOf(mmu, page * PAGE_BYTES), need);
    mmu.offset = 0;
    if (outcome !== Outcome.done) return outcome;
    pages?.push(mmu.page);
  }
  return Outcome.done;
}
