/**
 * The data plane's inner loop: retires a burst of accesses until one exits, the cycles are used up,
 * or a log of walks fills. No allocation, no closures.
 */
import { Counter } from "./counters.ts";
import { count, type Mmu } from "./mmu.ts";
import { Outcome, plainFirstWrite, plainLeaf } from "./secondStageWalk.ts";
import { Filled } from "./tlb.ts";
import { translateMiss } from "./translate.ts";

/**
 * One access in a block: bits 1:0 the kind (0 read, 1 write, 2 fetch, 3 read-modify-write), bits 31:2
 * the linear page number. Bytes within the page do not matter to page tracking.
 */
export const ACCESS_PAGE_SHIFT = 2;
export const AccessKind = { read: 0, write: 1, fetch: 2, readModifyWrite: 3 } as const;
export type AccessKindName = keyof typeof AccessKind;
/** Largest linear page number that an access word holds, plus one: 4 TiB of linear addresses. */
export const LINEAR_PAGES_MAX = 1 << 30;

/** Rights that each kind needs (rights.ts): read 1, write 2, fetch 4, read-modify-write 3; 4 bits each. */
const NEEDS = 0x3421;
/** What each kind leaves in the ground truth: read 1, written 2; 4 bits each. */
const TRUTHS = 0x3121;

/** Why a burst stopped. The first values are outcomes of the access that did not complete. */
export const Stop = {
  eptViolation: Outcome.eptViolation,
  eptMisconfiguration: Outcome.eptMisconfiguration,
  logFull: Outcome.logFull,
  pageFault: Outcome.pageFault,
  generalProtection: Outcome.generalProtection,
  /** All accesses of the block completed. */
  blockEnd: 7,
  /** The cycles were used up. */
  horizon: 8,
  /** A log of walks became full; the access that filled it completed. */
  logFilled: 9,
} as const;

/** Fewer accesses than this between two walks: the next ones probably walk too. */
const WALK_BURST = 4;
/** Accesses whose leaves are loaded at once: about as many cache misses as a processor has in flight. */
const PREFETCH = 16;

/**
 * Performs accesses `from` to `to - 1` of a block within `budget` cycles. An access begins when the
 * guest's other work before it is over, and only within the budget; one that begins completes, also
 * beyond the budget: an instruction is not cut in two.
 *
 * The loop searches the two TLB levels and does ordinary walks itself (paging off, 4 KiB leaf, no flag
 * to set but D); everything else goes through translateMiss. Both give the same result: a test compares
 * them.
 * @param gap cycles of other work of the guest before each access
 * @param gapLeft what is left of that work before the first one, at most `gap`
 * @returns the position of the first access that did not complete; mmu.stop, mmu.elapsed and mmu.gapLeft
 * say more.
 */
export function runAccesses(
  mmu: Mmu,
  block: Int32Array,
  from: number,
  to: number,
  budget: number,
  gap: number,
  gapLeft: number,
): number {
  const { recent: truth, versions } = mmu.guest;
  const keepVersions = versions.length > 0;
  const { l1, l2, l2Hint: hint, state: tlbState } = mmu.tlb;
  const { tag: l1Tag, meta: l1Meta, page: l1Page, next: l1Next } = l1;
  const { tag: l2Tag, meta: l2Meta, page: l2Page, next: l2Next } = l2;
  const { words } = mmu.memory;
  const { region: regions, firstLeaf } = mmu.leafTables;
  const { walkLog } = mmu;
  // "| 0" tells V8 that these are plain 32-bit words, here and below: it spares conversions at each use.
  const l1Mask = l1.setMask | 0;
  const l1Ways = l1.ways | 0;
  const l2Mask = l2.setMask | 0;
  const l2Ways = l2.ways | 0;
  const hintMask = (hint.length - 1) | 0;
  const indexBits = mmu.indexBits | 0;
  const offsetMask = (mmu.memory.frameWords - 1) | 0;
  const regionMask = (regions.length - 1) | 0;
  const space = mmu.space | 0;
  const plainHighMask = mmu.plainPageHighMask | 0;
  const plainHighBits = mmu.plainPageHighBits | 0;
  const plainPageMask = mmu.plainPageMask | 0;
  const plainPageBits = mmu.plainPageBits | 0;
  const isPlain = mmu.paging === 0;
  // With A/D flags on, D decides whether a mapping may be written; else W (bit 1) alone does.
  const dirtyShift = mmu.dirtyShift | 0;
  const grantShift = mmu.grantShift | 0;
  const { l2TlbHit } = mmu.costs;
  const cost = mmu.costs.access + gap;
  const walkCost = mmu.eptLevels * mmu.costs.walkReference;
  // From the start of the burst to the start of the access at `position`.
  let cycles = gapLeft;
  let l1Misses = 0;
  let writes = 0;
  let plainWalks = 0;
  let stop: number = Stop.blockEnd;
  let position = from;
  let page = 0;
  let lastLinearPage = -1;
  let lastMeta = 0;
  let lastWalk = from - PREFETCH;
  let prefetched = from;
  mmu.logFilled = false;
  mmu.walkCycles = 0;
  mmu.l2Hits = 0;
  mmu.l1LargeHits = 0;
  mmu.walks = 0;
  mmu.offset = 0;
  while (position < to) {
    if (cycles >= budget) {
      stop = Stop.horizon;
      break;
    }
    let word = block[position]!;
    const linearPage = word >>> 2;
    let kind = (word & 3) << 2;
    let need = (NEEDS >>> kind) & 7;
    if (linearPage === lastLinearPage && (lastMeta & need) === need) {
      // The entry that the previous access used is still there: a run of accesses needs no search.
      let kinds = 0;
      do {
        kinds |= TRUTHS >>> kind;
        writes += (need >>> 1) & 1;
        if (keepVersions && (need & 2) !== 0) versions[page] = versions[page]! + 1;
        cycles += cost;
        position++;
        if (position === to || cycles >= budget) break;
        word = block[position]!;
        kind = (word & 3) << 2;
        need = (NEEDS >>> kind) & 7;
      } while (word >>> 2 === linearPage && (lastMeta & need) === need);
      truth[page >>> 4] = truth[page >>> 4]! | ((kinds & 3) << ((page & 15) << 1));
      continue;
    }
    lastLinearPage = linearPage;
    const want = space | need;
    const l1Set = linearPage & l1Mask;
    const l1Found = findInSet(l1Tag, l1Meta, Math.imul(l1Set, l1Ways), l1Ways, linearPage, want);
    if (l1Found >= 0) {
      page = l1Page[l1Found]!;
      lastMeta = l1Meta[l1Found]!;
    } else {
      l1Misses++;
      const l2Set = linearPage & l2Mask;
      let l2Found = hint[linearPage & hintMask]!;
      if (l2Tag[l2Found] !== linearPage || ((l2Meta[l2Found]! ^ want) & (~7 | need)) !== 0) {
        l2Found = findInSet(l2Tag, l2Meta, Math.imul(l2Set, l2Ways), l2Ways, linearPage, want);
        if (l2Found >= 0) hint[linearPage & hintMask] = l2Found;
      }
      if (l2Found >= 0) {
        page = l2Page[l2Found]!;
        lastMeta = l2Meta[l2Found]!;
        const slot = slotToFill(l1Next, l1Set, l1Ways, l1Found);
        l1Tag[slot] = linearPage;
        l1Meta[slot] = lastMeta;
        l1Page[slot] = page;
        cycles += l2TlbHit;
      } else {
        const before = mmu.walkCycles;
        let rights = 0;
        if (isPlain && (tlbState[1]! & Filled.large) === 0) {
          if (position >= prefetched && position - lastWalk < WALK_BURST) {
            prefetched = Math.min(position + PREFETCH, to);
            prefetchLeaves(mmu, block, position, prefetched);
          }
          lastWalk = position;
          const region = linearPage >>> indexBits;
          const leaf =
            regions[region & regionMask] === region
              ? (firstLeaf[region & regionMask]! + ((linearPage << 1) & offsetMask)) | 0
              : plainLeaf(mmu, linearPage);
          const low = words[leaf]!;
          if (
            (low & plainPageMask) === plainPageBits &&
            (words[leaf + 1]! & plainHighMask) === plainHighBits
          ) {
            const granted = (low >>> grantShift) & 7;
            rights = granted & (~2 | (low >>> dirtyShift));
            if ((rights & need) !== need) {
              const withDirty = granted | mmu.dirtyGrants;
              // Only D is missing.
              if ((withDirty & need) === need && plainFirstWrite(mmu, linearPage, leaf)) {
                rights = withDirty;
              }
            }
          }
        }
        if ((rights & need) === need) {
          page = linearPage;
          plainWalks++;
          if (walkLog !== null) walkLog.log(mmu, page);
          cycles += walkCost + mmu.walkCycles - before;
          lastMeta = space | rights;
          const l1Slot = slotToFill(l1Next, l1Set, l1Ways, l1Found);
          l1Tag[l1Slot] = linearPage;
          l1Meta[l1Slot] = lastMeta;
          l1Page[l1Slot] = page;
          const l2Slot = slotToFill(l2Next, l2Set, l2Ways, l2Found);
          l2Tag[l2Slot] = linearPage;
          l2Meta[l2Slot] = lastMeta;
          l2Page[l2Slot] = page;
        } else {
          const result = translateMiss(mmu, linearPage, need, l1Found);
          cycles += mmu.walkCycles - before;
          if (result < 0) {
            stop = -1 - result;
            break;
          }
          page = result;
          lastMeta = need;
        }
      }
    }
    cycles += cost;
    writes += (need >>> 1) & 1;
    truth[page >>> 4] = truth[page >>> 4]! | (((TRUTHS >>> kind) & 3) << ((page & 15) << 1));
    if (keepVersions && (need & 2) !== 0) versions[page] = versions[page]! + 1;
    position++;
    if (mmu.logFilled) {
      stop = Stop.logFilled;
      break;
    }
  }
  mmu.stop = stop;
  endBurst(mmu, cycles, budget, gap);
  const slowWalkCycles = mmu.walkCycles - mmu.l2Hits * l2TlbHit;
  const walkCycles = slowWalkCycles + plainWalks * walkCost;
  count(mmu, Counter.accesses, position - from);
  count(mmu, Counter.writes, writes);
  count(mmu, Counter.l1TlbMisses, l1Misses - mmu.l1LargeHits);
  count(mmu, Counter.tlbMisses, mmu.walks + plainWalks);
  count(mmu, Counter.walks, plainWalks);
  count(mmu, Counter.walkReferences, plainWalks * mmu.eptLevels);
  count(mmu, Counter.guestCycles, mmu.elapsed - walkCycles);
  count(mmu, Counter.walkCycles, walkCycles);
  return position;
}

/**
 * How long the burst took, and what is left of the work before the next access.
 * @param begin when the access begins that comes next, or that did not complete
 */
function endBurst(mmu: Mmu, begin: number, budget: number, gap: number): void {
  if (mmu.stop < Stop.blockEnd) {
    // The access is tried again as soon as the guest runs again.
    mmu.elapsed = begin;
    mmu.gapLeft = 0;
    return;
  }
  const end = begin - gap;
  mmu.elapsed = mmu.stop === Stop.horizon ? Math.max(end, budget) : end;
  mmu.gapLeft = begin - mmu.elapsed;
}

/** findInLevel for the inner loop: the level's parts as arguments, so that they stay in registers. */
function findInSet(
  tags: Int32Array,
  meta: Int32Array,
  first: number,
  ways: number,
  tag: number,
  want: number,
): number {
  const end = (first + ways) | 0;
  for (let i = first | 0; i < end; i = (i + 1) | 0) {
    if (tags[i] !== tag) continue;
    const difference = meta[i]! ^ want;
    if ((difference & ~7) === 0) return (difference & want & 7) === 0 ? i : -2 - i;
  }
  return -1;
}

/** Where fillLevel would put a mapping into a set; `found` is findInSet's answer. */
function slotToFill(next: Int32Array, set: number, ways: number, found: number): number {
  if (found !== -1) return (-2 - found) | 0;
  const way = next[set]!;
  next[set] = ((way + 1) | 0) === ways ? 0 : (way + 1) | 0;
  return (Math.imul(set, ways) + way) | 0;
}

/**
 * Loads the leaves of the coming accesses, so that their cache misses on this machine overlap. The
 * emulated machine does not notice. A wrong leaf (its region is not in the cache) does no harm.
 */
function prefetchLeaves(mmu: Mmu, block: Int32Array, from: number, to: number): void {
  const { words, frameWords } = mmu.memory;
  const { firstLeaf } = mmu.leafTables;
  const { indexBits } = mmu;
  const slotMask = firstLeaf.length - 1;
  const offsetMask = frameWords - 1;
  let touched = 0;
  for (let position = from; position < to; position++) {
    const page = block[position]! >>> 2;
    touched ^= words[firstLeaf[(page >>> indexBits) & slotMask]! + ((page << 1) & offsetMask)]!;
  }
  mmu.prefetched = touched;
}
