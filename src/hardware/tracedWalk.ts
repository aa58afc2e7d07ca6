/** Walks and flushes of a guest whose paging is in its stream. */
import { Counter } from "./counters.ts";
import type { GuestPages } from "./guestPages.ts";
import { count, LinearPage, type Mmu } from "./mmu.ts";
import { EXECUTE, READ, RWX, WRITE } from "./rights.ts";
import { Access, Outcome, secondStageAccess } from "./secondStageWalk.ts";
import { flushNotGlobal, flushPage, flushVpid } from "./tlb.ts";
import {
  Flushed,
  PHYSICAL_PAGES,
  TABLE_BITS,
  TRANSLATION_PAGE_SHIFT,
  type TracedPaging,
  Translation,
} from "./tracedPaging.ts";

/** More than any page: the guest's paging does not bound what a TLB entry maps. */
const WITHOUT_PAGING_BITS = 31;

/**
 * What the guest has flushed since its last access leaves the TLB: MOV to CR3 keeps global translations, INVLPG and a
 * page fault drop one page's (SDM vol. 3A 4.10.4.1).
 */
export function flushAsTraced(mmu: Mmu, { pending, state, translations }: TracedPaging): void {
  const due = state[1]!;
  for (let i = 0; i < due; i++) {
    const what = pending[i]!;
    if (what === Flushed.all) flushVpid(mmu.tlb, mmu.vpid);
    else if (what === Flushed.notGlobal)
      flushNotGlobal(mmu.tlb, mmu.vpid, translations, Translation.global);
    else flushPage(mmu.tlb, mmu.vpid, what);
  }
  state[1] = 0;
}

/** The guest half of a walk, as guestWalk has it. @param access rights that are needed */
export function tracedWalk(mmu: Mmu, linearPage: number, access: number): number {
  mmu.linearPageBits = LinearPage.user | LinearPage.writable;
  if (linearPage >= PHYSICAL_PAGES) {
    mmu.page = linearPage - PHYSICAL_PAGES;
    mmu.guestLeafBits = WITHOUT_PAGING_BITS;
    mmu.guestRights = RWX;
    return Outcome.done;
  }
  const traced = tracedOf(mmu);
  const translation = traced.translations[linearPage]!;
  if ((translation & Translation.valid) === 0) {
    throw new Error(`the guest accesses linear page ${linearPage}, which it has not translated`);
  }
  let leafBits = WITHOUT_PAGING_BITS;
  const hasDirectory = (translation & Translation.directory) !== 0;
  if (hasDirectory) {
    leafBits = TABLE_BITS;
    const outcome = readTable(mmu, traced.state[0]!, linearPage >>> TABLE_BITS);
    if (outcome !== Outcome.done) return outcome;
  }
  if ((translation & Translation.table) !== 0) leafBits = 0;
  if (hasDirectory && leafBits === 0) {
    const table = traced.tables[linearPage >>> TABLE_BITS]!;
    const outcome = readTable(mmu, table, linearPage & ((1 << TABLE_BITS) - 1));
    if (outcome !== Outcome.done) return outcome;
  }
  const writable = (translation & Translation.writable) !== 0;
  // Whoever makes reads writes (an operator) may write where the guest has only read.
  mmu.guestRights = READ | EXECUTE | (writable ? WRITE : 0) | (access & WRITE);
  mmu.guestLeafBits = leafBits;
  mmu.page = translation >>> TRANSLATION_PAGE_SHIFT;
  return Outcome.done;
}

function tracedOf({ guest }: Mmu): TracedPaging {
  if (guest.traced === null) throw new Error(`the paging of ${guest.name} is not in its stream`);
  return guest.traced;
}

/** An entry of a table of the guest's is read; it has 4 bytes. */
function readTable(mmu: Mmu, page: number, index: number): number {
  const { offset } = mmu;
  mmu.offset = 4 * index;
  const outcome = secondStageAccess(mmu, page, Access.read | Access.structure);
  mmu.offset = offset;
  if (outcome !== Outcome.done) return outcome;
  count(mmu, Counter.walkReferences, 1);
  mmu.walkCycles += mmu.costs.walkReference;
  // What a log's filter leaves out on purpose is not held against it.
  if (mmu.walkLog === null || !mmu.skipsStructures) noteTable(mmu.guest, page, mmu.structureWrites);
  return outcome;
}

/** With EPT's A/D flags, accesses to guest paging structures are writes (SDM vol. 3C 28.2.5). */
function noteTable({ recent }: GuestPages, page: number, asWrite: boolean): void {
  const bits = asWrite ? 3 : 1;
  recent[page >>> 4] = recent[page >>> 4]! | (bits << ((page & 15) << 1));
}
