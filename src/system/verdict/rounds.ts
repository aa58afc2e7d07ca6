/**
 * Each harvest of a VM's tracker, held against what the guest did in that round. It is no part of the
 * machine: no tracker sees it, and nothing in a run depends on it.
 *
 * A round lasts from one harvest to the next. A harvest takes rights or flags away, and a processor may
 * go on through an old translation until it has executed INVEPT. What it writes in between belongs to the
 * round that has just been reported, if the page is among those: whoever asked reads it after the flush
 * (KVM kvm_get_dirty_log_protect: "a write in between is covered by the snapshot"). If it is not among
 * them, the next harvest owes it.
 *
 * A harvest that is done in pieces, while the guest runs, is no moment either: it begins when the logs have been drained,
 * takes each page at a time of its own, and ends with the last INVEPT. What was accessed before it began it owes. What is
 * accessed from then on is in its report or is owed by the next one, and is never in neither. A page is reported too much
 * if nobody has accessed it since the last harvest, up to the moment at which the last page was taken.
 *
 * What a device has written and nobody has marked yet (writesInFlight.ts) is owed by the next harvest: writers beside the
 * vCPUs write first and mark then. If a harvest reports the page in between all the same, the mark comes as a surplus.
 */

import {
  countBits,
  foldTruth,
  type GuestPages,
  tellRoundsApart,
} from "../../hardware/guestPages.ts";
import type { Part, WordArray } from "../../hardware/part.ts";
import type { RoundTruth } from "../../hardware/roundTruth.ts";
import type { DirtyBitmap } from "../../hypervisor/dirtyBitmap.ts";
import { techniqueOn } from "../../hypervisor/techniques/all.ts";
import type { Technique, TechniqueName } from "../../hypervisor/techniques/technique.ts";
import type { TrackedVm } from "../../hypervisor/trackedVm.ts";
import { TECHNIQUE_NAMES } from "../../interconnect/messages.ts";
import { itemAt, numberAt, wordAt } from "../../lookup.ts";
import { LargeLeaves } from "./largeLeaves.ts";
import { below, either, first, PageList, second, spread } from "./pageSets.ts";
import { RoundCut } from "./roundCut.ts";

/** Words of the state. */
const At = {
  /** The technique that is armed, or was last: a position in TECHNIQUE_NAMES. */
  technique: 0,
  /** Times that the tracker was armed; harvests since then. */
  armings: 1,
  round: 2,
  /** What the INVEPTs under way are for: see Flush. */
  flush: 3,
  /** Of the whole run: harvests, those that left out a page, such pages, pages that they reported too much, pages that PRL dropped. */
  harvests: 4,
  lossy: 5,
  lost: 6,
  overReported: 7,
  dropped: 8,
  /** Whether any technique that was armed could tell written pages, touched pages. */
  findsWritten: 9,
  findsTouched: 10,
  /** 1 while the tracker is armed. */
  armed: 11,
  /** 1 if an estimator has read PRL's counts in this round. */
  isRead: 12,
} as const;

/** Accesses through old translations, until every CPU has executed INVEPT: none are left; as above; they do not count. */
const Flush = { none: 0, covered: 1, uncounted: 2 } as const;

/** Losses that are kept: the first ones, each with its first pages. */
const LOSSES_KEPT = 16;
const PAGES_KEPT = 5;
/** Arming, round, number of pages, number of paging structures; then pages, and structures. */
const LOSS_WORDS = 4 + 2 * PAGES_KEPT;

/** A harvest that left out what it owed. */
export interface Loss {
  /** How often the tracker had been armed, and which of the harvests since then it was; both from 1. */
  readonly arming: number;
  readonly round: number;
  /** Pages of the guest's data, and of its own paging structures. */
  readonly pages: number;
  readonly structures: number;
  /** The first of each. */
  readonly firstPages: readonly number[];
  readonly firstStructures: readonly number[];
}

/** What came of a VM's harvests. */
export interface HarvestCounts {
  /** The technique that was armed last, which need not be the one that was asked for; "none" if none ever was. */
  readonly technique: TechniqueName;
  readonly findsWritten: boolean;
  readonly findsTouched: boolean;
  readonly harvests: number;
  /** Harvests that left out a page; and how many pages they left out, each counted in its round. */
  readonly lossy: number;
  readonly lostPages: number;
  /** Pages of data that were reported, each counted in its round; of those, the ones that nobody had touched. */
  readonly reportedPages: number;
  readonly overReported: number;
  readonly droppedPages: number;
  /** The first of the lossy ones. */
  readonly losses: readonly Loss[];
}

/** What a harvest reports, as sets of pages: each as far as the technique can tell. */
export interface Found {
  readonly written: DirtyBitmap;
  readonly touched: DirtyBitmap;
}

/** Of a VM's whole run: pages of data that harvests reported, each counted in its round. */
export class ReportedPages implements Part {
  readonly name: string;
  readonly state = new Float64Array(1);

  constructor(name: string) {
    this.name = name;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { state: this.state };
  }
}

export class Rounds implements Part {
  readonly name: string;
  /** A part of its own: logs know the digest of this one as it was before there was such a number. */
  readonly reportedPages: ReportedPages;
  readonly state = new Float64Array(Object.keys(At).length);
  readonly losses = new Float64Array(LOSSES_KEPT * LOSS_WORDS);
  /** Accesses since the last harvest until every CPU had executed INVEPT, two bits a page. Empty until the tracker is armed. */
  window: Int32Array = new Int32Array(0);
  /** What the last harvest reported: bit 0 touched, bit 1 written. */
  reported: Int32Array = new Int32Array(0);
  /** What a PEEK of this round has left out, which is said once; and of paging structures, one bit a page. */
  said: Int32Array = new Int32Array(0);
  saidStructures: Int32Array = new Int32Array(0);
  readonly truth: RoundTruth;
  /** Of a harvest under way: what had been done when it began. */
  readonly cut: RoundCut;
  readonly #guest: GuestPages;
  readonly #tracked: TrackedVm;
  /** Pages of data: those of the guest's paging structures come after them. */
  readonly #pages: number;

  /** From now on the guest's truth is kept round by round. To be made before its first access. */
  constructor(name: string, guest: GuestPages, tracked: TrackedVm, pages: number) {
    this.name = name;
    this.reportedPages = new ReportedPages(`${name}/reported`);
    this.#guest = guest;
    this.#tracked = tracked;
    this.#pages = pages;
    this.truth = tellRoundsApart(guest);
    this.cut = new RoundCut(`${name}/cut`);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { state, losses, window, reported, said, saidStructures } = this;
    return { state, losses, window, reported, said, saidStructures };
  }

  resize({ window = 0, saidStructures = 0 }: Readonly<Record<string, number>>): void {
    if (window === this.window.length) return;
    this.window = new Int32Array(window);
    this.reported = new Int32Array(window);
    this.said = new Int32Array(window);
    this.saidStructures = new Int32Array(saidStructures);
  }

  /** The tracker has taken rights or flags away; INVEPTs follow. What was done before is nobody's business. */
  armed(technique: Technique): void {
    const { state } = this;
    state[At.technique] = TECHNIQUE_NAMES.indexOf(technique.name);
    state[At.armed] = 1;
    state[At.armings] = numberAt(state, At.armings) + 1;
    state[At.round] = 0;
    if (technique.findsWritten) state[At.findsWritten] = 1;
    if (technique.findsTouched) state[At.findsTouched] = 1;
    foldTruth(this.#guest);
    this.#begin(Flush.uncounted);
  }

  /** A harvest that begins a new round, or the last one, begins: what has been done so far is owed. */
  began(): void {
    foldTruth(this.#guest);
    this.cut.take(this.truth, this.#tracked.sampled, this.#guest.inFlight);
  }

  /** A harvest only looks. All that is known of the round is in the tracker's bitmaps, and stays there until this returns. */
  peeked(technique: Technique, found: Found): void {
    foldTruth(this.#guest);
    this.cut.copy(this.truth, this.#tracked.sampled, this.#guest.inFlight);
    this.#judge(technique, found);
    this.cut.clear();
  }

  /**
   * A harvest that had begun has taken its last page, and INVEPTs follow.
   * @param found what it reports
   * @param chosen the new round is about other pages than this one
   */
  harvested(technique: Technique, found: Found, chosen: boolean): void {
    this.#judge(technique, found);
    this.cut.clear();
    this.#forgetReportedStructures(found);
    // What goes through a TLB is no miss for PRL, and pages that are watched from now on were not before.
    const isCounted = technique.logsMisses !== true && !chosen;
    this.#beginFlush(isCounted ? Flush.covered : Flush.uncounted);
  }

  #judge(technique: Technique, found: Found): void {
    this.#open();
    this.#noteReported(technique, found);
    this.#noteLoss(this.#lostPages(technique), this.#lostStructures(technique, found));
  }

  /** What was done since the harvest began is in its report: whoever asked reads it after the flush. */
  #forgetReportedStructures({ written: { bits } }: Found): void {
    const { structureWrites } = this.truth;
    structureWrites.forEach((word, i, all) => {
      all[i] = word & ~(bits[i] ?? 0);
    });
  }

  /**
   * An estimator has read PRL's counts: a harvest without the tracker, and no new round. What was touched
   * since PRL was armed must have come to some reading, or be on its way there.
   * @param known pages of all readings so far
   * @param underWay calls back for each page in a log that nobody has copied yet
   */
  read(known: DirtyBitmap, underWay: (visit: (page: number) => void) => void): void {
    const { state, reported } = this;
    const technique = techniqueOn(
      this.#tracked.units,
      itemAt(TECHNIQUE_NAMES, numberAt(state, At.technique)),
    );
    if (state[At.armed] === 0 || technique?.logsMisses !== true) return;
    this.#open();
    state[At.isRead] = 1;
    this.cut.copy(this.truth, this.#tracked.sampled, this.#guest.inFlight);
    this.#noteKnown(known);
    underWay((page) => {
      const at = page >>> 4;
      if (at < reported.length) reported[at] = wordAt(reported, at) | (3 << (2 * (page & 15)));
    });
    this.#judgeKnown(technique);
    this.cut.clear();
  }

  /**
   * Tracking, whose end had begun, ends. What was known when it began is handed over: a harvest, if anything was done in
   * its round or is handed over.
   * @param known pages of all readings of PRL's counts so far, and those that are handed over
   */
  disarmed(technique: Technique, found: Found, known: DirtyBitmap): void {
    const { state } = this;
    state[At.armed] = 0;
    this.#noteReported(technique, found);
    foldTruth(this.#guest);
    if (!this.#isEmpty()) this.#judgeLast(technique, found, known);
    this.cut.clear();
    this.#begin(Flush.none);
  }

  #judgeLast(technique: Technique, found: Found, known: DirtyBitmap): void {
    this.#open();
    if (this.state[At.isRead] === 0) {
      this.#noteLoss(this.#lostPages(technique), this.#lostStructures(technique, found));
    } else {
      this.#noteKnown(known);
      this.#judgeKnown(technique);
    }
  }

  /** Whether INVEPTs are under way. */
  get flushing(): boolean {
    return this.state[At.flush] !== Flush.none;
  }

  /** Every CPU has executed INVEPT since the tracker was armed, or since the harvest. */
  flushed(): void {
    const { window, reported, truth, state } = this;
    const { accesses } = truth;
    foldTruth(this.#guest);
    window.set(accesses);
    const isCounted = state[At.flush] === Flush.covered;
    for (let i = 0; i < accesses.length; i++) {
      accesses[i] = isCounted ? wordAt(accesses, i) & ~wordAt(reported, i) : 0;
    }
    // Nothing of what was done while the tracker was being armed is owed.
    if (state[At.round] === 0) truth.structureWrites.fill(0);
    state[At.flush] = Flush.none;
  }

  get counts(): HarvestCounts {
    const { state } = this;
    const kept = Math.min(numberAt(state, At.lossy), LOSSES_KEPT);
    return {
      technique:
        state[At.armings] === 0 ? "none" : itemAt(TECHNIQUE_NAMES, numberAt(state, At.technique)),
      findsWritten: state[At.findsWritten] === 1,
      findsTouched: state[At.findsTouched] === 1,
      harvests: numberAt(state, At.harvests),
      lossy: numberAt(state, At.lossy),
      lostPages: numberAt(state, At.lost),
      reportedPages: numberAt(this.reportedPages.state, 0),
      overReported: numberAt(state, At.overReported),
      droppedPages: numberAt(state, At.dropped),
      losses: Array.from({ length: kept }, (_, i) => this.#loss(i)),
    };
  }

  /** A harvest is compared. */
  #open(): void {
    const { state } = this;
    state[At.harvests] = numberAt(state, At.harvests) + 1;
    state[At.round] = numberAt(state, At.round) + 1;
    foldTruth(this.#guest);
  }

  /** Whether nothing was done in this round, and nothing is reported. */
  #isEmpty(): boolean {
    const { accesses, structureWrites } = this.cut;
    return [accesses, structureWrites, this.reported].every((set) =>
      set.every((word) => word === 0),
    );
  }

  /** Where a round's reports are readings, they name what earlier rounds touched, too. */
  #noteKnown({ bits }: DirtyBitmap): void {
    const { reported } = this;
    for (let i = 0; i < reported.length; i++) reported[i] = spread(bits, i) * 3;
  }

  /** Of readings all that is known is what was ever known: nothing is counted as found, or as a surplus. */
  #judgeKnown(technique: Technique): void {
    const { state } = this;
    const surplus = numberAt(state, At.overReported);
    const total = numberAt(this.reportedPages.state, 0);
    this.#noteLoss(this.#lostPages(technique), new PageList(0));
    state[At.overReported] = surplus;
    this.reportedPages.state[0] = total;
  }

  #begin(flush: number): void {
    this.truth.begin(this.#guest.truth.length);
    this.#beginFlush(flush);
  }

  #beginFlush(flush: number): void {
    const { truth, state } = this;
    state[At.isRead] = 0;
    const words = truth.accesses.length;
    this.resize({ window: words, saidStructures: truth.structureWrites.length });
    for (const set of [this.window, this.said, this.saidStructures]) set.fill(0);
    state[At.flush] = flush;
  }

  /** Where a technique tells but one of the two, its bit stands for both. */
  #noteReported({ findsWritten, findsTouched }: Technique, { written, touched }: Found): void {
    const { reported } = this;
    for (let i = 0; i < reported.length; i++) {
      const first = findsTouched ? spread(touched.bits, i) : 0;
      const other = findsWritten ? spread(written.bits, i) : 0;
      const both = findsWritten && findsTouched;
      reported[i] = both ? first | (other << 1) : (first | other) * 3;
    }
  }

  /** Pages of data that were owed and not reported; notes those that were reported without being owed, and those that PRL dropped. */
  #lostPages(technique: Technique): PageList {
    const { reported, said, window, state, truth, cut } = this;
    const { findsWritten, findsTouched } = technique;
    const all = cut.chosen.every((word) => word === 0);
    const lost = new PageList(PAGES_KEPT);
    const leaves = new LargeLeaves(this.#tracked.ept, reported, cut.dropped);
    let over = 0;
    let dropped = 0;
    let total = 0;
    for (let i = 0; i < reported.length; i++) {
      const owed = wordAt(cut.accesses, i);
      const seen = owed | wordAt(window, i) | wordAt(truth.accesses, i);
      const found = wordAt(reported, i);
      if ((seen | found) === 0) continue;
      total += countBits(below(findsTouched ? first(found) : second(found), i, this.#pages));
      const asked = all ? -1 : spread(cut.chosen, i);
      let missing = 0;
      let surplus = 0;
      if (findsTouched) {
        missing = either(owed) & ~found & asked;
        surplus = first(found) & ~either(seen);
      }
      if (findsWritten) {
        missing |= second(owed) & ~second(found) & asked;
        surplus |= second(found) & ~second(seen);
      }
      missing &= ~wordAt(said, i);
      said[i] = wordAt(said, i) | missing;
      const excused = missing & spread(cut.dropped, i);
      missing &= ~excused;
      if (missing !== 0 && technique.logsMisses === true) missing &= ~leaves.among(missing, i);
      lost.addOfTwoBits(missing, i);
      dropped += countBits(excused);
      over += countBits(below(surplus, i, this.#pages));
    }
    state[At.dropped] = numberAt(state, At.dropped) + dropped;
    // KVM_DIRTY_LOG_INITIALLY_SET: the first harvest reports every page, and says so.
    const isInitial = this.#tracked.initiallySet && state[At.round] === 1;
    if (!isInitial) {
      state[At.overReported] = numberAt(state, At.overReported) + over;
      this.reportedPages.state[0] = numberAt(this.reportedPages.state, 0) + total;
    }
    return lost;
  }

  /** Of the guest's paging structures, in which a walk set a flag. */
  #lostStructures({ findsWritten }: Technique, { written: { bits } }: Found): PageList {
    const lost = new PageList(PAGES_KEPT);
    if (!findsWritten) return lost;
    const { saidStructures: said, cut } = this;
    const all = cut.chosen.every((word) => word === 0);
    cut.structureWrites.forEach((word, i) => {
      const asked = all ? -1 : (cut.chosen[i] ?? 0);
      const missing = word & asked & ~(bits[i] ?? 0) & ~wordAt(said, i);
      said[i] = wordAt(said, i) | missing;
      lost.addOfOneBit(missing, i);
    });
    return lost;
  }

  #noteLoss(pages: PageList, structures: PageList): void {
    const { state, losses } = this;
    if (pages.count + structures.count === 0) return;
    const number = numberAt(state, At.lossy);
    state[At.lossy] = number + 1;
    state[At.lost] = numberAt(state, At.lost) + pages.count + structures.count;
    if (number >= LOSSES_KEPT) return;
    const words = [
      numberAt(state, At.armings),
      numberAt(state, At.round),
      pages.count,
      structures.count,
    ];
    losses.set(words, number * LOSS_WORDS);
    losses.set(pages.first, number * LOSS_WORDS + words.length);
    losses.set(structures.first, number * LOSS_WORDS + words.length + PAGES_KEPT);
  }

  #loss(number: number): Loss {
    const words = Array.from(this.losses.subarray(number * LOSS_WORDS, (number + 1) * LOSS_WORDS));
    const [arming = 0, round = 0, pages = 0, structures = 0, ...named] = words;
    return {
      arming,
      round,
      pages,
      structures,
      firstPages: named.slice(0, Math.min(pages, PAGES_KEPT)),
      firstStructures: named.slice(PAGES_KEPT, PAGES_KEPT + Math.min(structures, PAGES_KEPT)),
    };
  }
}
