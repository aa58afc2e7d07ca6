/**
 * Logs that are filled by a plain rule: from one end to the other, and what happens when there is no slot left is one of three.
 * Units that are parts of others', and those of users, are made of it.
 */
import { Counter } from "../hardware/counters.ts";
import { storeLogEntry } from "../hardware/logStore.ts";
import { count, type Mmu, type TransitionLog, type WalkLog } from "../hardware/mmu.ts";
import { notePage } from "../hardware/roundTruth.ts";
import { Field, readField, type Vmcs, writeField, writeImage } from "../hardware/vmcs.ts";
import { becomeFull } from "./suspended.ts";
import type { Slot, Unit, VmcsWords } from "./unit.ts";

/** What a full log does: ends the access that needs it, interrupts a CPU of the pVM, or nothing but set a bit. */
export type WhenFull = "exit" | "interrupt" | "drop";

export interface Filling {
  /** Whether the index goes up from 0, or down from the last slot. */
  readonly direction: "up" | "down";
  readonly whenFull: WhenFull;
  /** Of each vCPU; two for one that interrupts, which fills one while the other is emptied. */
  readonly logs: 1 | 2;
}

/** In Field.fullLogs, beside a bit for each log that waits for a handler. Of a log that tells nobody, the only one. */
const OVERFLOWED = 1;
const DROPPED = 4;

function droppedBit({ whenFull }: Filling): number {
  return whenFull === "interrupt" ? DROPPED : OVERFLOWED;
}

/** The index of an empty log. */
export function firstIndex({ direction }: Filling, logEntries: number): number {
  return direction === "up" ? 0 : logEntries - 1;
}

/** No slot has this index: below 0, it is one of the largest. */
function isOut(index: number, logEntries: number): boolean {
  return index >>> 0 >= logEntries;
}

/** Stores addresses by one such rule. */
class Filler {
  readonly #filling: Filling;
  readonly #step: 1 | -1;
  readonly #interrupts: boolean;
  readonly #dropped: number;

  constructor(filling: Filling) {
    this.#filling = filling;
    this.#step = filling.direction === "up" ? 1 : -1;
    this.#interrupts = filling.whenFull === "interrupt";
    this.#dropped = droppedBit(filling);
  }

  /** Stores a page's address in the next slot, or drops it. Returns whether it was stored. */
  store(mmu: Mmu, page: number): boolean {
    const { vmcs, geometry } = mmu;
    const index = readField(vmcs, Field.logIndex);
    if (isOut(index, geometry.logEntries)) {
      this.#drop(mmu);
      return false;
    }
    storeLogEntry(mmu, readField(vmcs, Field.activeLog), index, page);
    const next = index + this.#step;
    writeField(vmcs, Field.logIndex, next);
    if (this.#interrupts && isOut(next, geometry.logEntries)) {
      becomeFull(mmu, firstIndex(this.#filling, geometry.logEntries), this.#filling.logs === 2);
    }
    return true;
  }

  #drop(mmu: Mmu): void {
    const { vmcs } = mmu;
    countDropped(mmu);
    const before = readField(vmcs, Field.fullLogs);
    // The first that is dropped makes the log overflow; the others change nothing.
    if ((before & this.#dropped) !== 0) return;
    writeField(vmcs, Field.fullLogs, before | this.#dropped, 0);
    // A handler's reset, and the reload of what it has written, leave the bit as it is.
    if (this.#interrupts)
      writeImage(vmcs, Field.fullLogs, (vmcs.image[2 * Field.fullLogs] ?? 0) | DROPPED);
    else count(mmu, Counter.logFull, 1);
  }
}

/** An address that is not logged. */
function countDropped(mmu: Mmu): void {
  count(mmu, Counter.missedGpas, 1);
}

/** A log of first writes. @param exit how an access ends that finds it full, if the guest is to stop */
export function transitionLog(
  filling: Filling,
  exit: { readonly reason: number; readonly gatesAccessed: boolean } | null,
): TransitionLog {
  const filler = new Filler(filling);
  const stops = filling.whenFull === "exit";
  return {
    logs: "transitions",
    gatesAccessed: stops && exit?.gatesAccessed === true,
    // Of the others no access ends so.
    exitReason: exit?.reason ?? 0,
    isFull: ({ vmcs, geometry }) =>
      stops && isOut(readField(vmcs, Field.logIndex), geometry.logEntries),
    log: (mmu, page) => {
      filler.store(mmu, page);
    },
  };
}

/** Which misses are logged. */
export interface Wanted {
  /** Whether pages of the guest's paging structures are left out. */
  readonly skipsStructures: boolean;
  /** Of so many misses one is logged, the first of them. */
  readonly oneOf: number;
  /** Guest-physical pages: from this one, and below that one. */
  readonly firstPage: number;
  readonly endPage: number;
  /** What else a miss must be, by its page and the number of those that came before; null: nothing. */
  readonly asks: ((page: number, before: number) => boolean) | null;
}

/** A log of misses. What it does not log counts as dropped: its harvests need not know it. */
export class MissLog implements WalkLog {
  readonly logs = "walks";
  readonly #filler: Filler;
  readonly #wanted: Wanted;

  constructor(filling: Filling, wanted: Wanted) {
    this.#filler = new Filler(filling);
    this.#wanted = wanted;
  }

  skipsStructures(): boolean {
    return this.#wanted.skipsStructures;
  }

  log(mmu: Mmu, page: number): void {
    if (!this.#isWanted(mmu, page)) countDropped(mmu);
    else if (this.#filler.store(mmu, page)) return;
    const { round } = mmu.guest;
    if (round !== null) notePage(round.dropped, page);
  }

  #isWanted({ counters }: Mmu, page: number): boolean {
    const { oneOf, firstPage, endPage, asks } = this.#wanted;
    if (page < firstPage || page >= endPage) return false;
    if (oneOf === 1 && asks === null) return true;
    // Those that it was asked about: what it has logged, and what not. Walks themselves are counted burst by burst.
    const before = (counters[Counter.logEntries] ?? 0) + (counters[Counter.missedGpas] ?? 0);
    return before % oneOf === 0 && (asks === null || asks(page, before));
  }
}

function word({ words }: VmcsWords, field: number): number {
  return words[2 * field] ?? 0;
}

/** Whether an address was dropped since the log was emptied. */
export function hasDropped(vmcs: VmcsWords, filling: Filling): boolean {
  return (word(vmcs, Field.fullLogs) & droppedBit(filling)) !== 0;
}

type Slots = Pick<Unit, "usedSlots" | "isIndexValid" | "nextSlots" | "shownIndex" | "empty">;

/** What a unit of such logs says of its slots. */
export function slotsOf(filling: Filling): Slots {
  const isUp = filling.direction === "up";
  return {
    usedSlots(vmcs, log, { logEntries }) {
      if (filling.whenFull === "interrupt") {
        if ((word(vmcs, Field.fullLogs) & (1 << log)) !== 0) return [0, logEntries];
        if (word(vmcs, Field.activeLog) !== log) return [0, 0];
      } else if (log !== 0) return [0, 0];
      const index = word(vmcs, Field.logIndex);
      if (isUp) return [0, Math.min(index >>> 0, logEntries)];
      return [isOut(index, logEntries) ? 0 : index + 1, logEntries];
    },
    isIndexValid(vmcs, { logEntries }) {
      const index = word(vmcs, Field.logIndex);
      if (!isOut(index, logEntries)) return true;
      return index === (isUp && filling.whenFull !== "interrupt" ? logEntries : -1);
    },
    nextSlots(vmcs, count, { logEntries }) {
      const slots: Slot[] = [];
      let [index, log] = [word(vmcs, Field.logIndex), word(vmcs, Field.activeLog)];
      while (slots.length < count) {
        if (filling.whenFull === "interrupt" && isOut(index, logEntries)) {
          log ^= 1;
          index = firstIndex(filling, logEntries);
        }
        slots.push([log, index]);
        index += isUp ? 1 : -1;
      }
      return slots;
    },
    shownIndex: (vmcs) => word(vmcs, Field.logIndex),
    /** VMWRITE, by software: all logs are empty, nothing was dropped. */
    empty(vmcs: Vmcs, { logEntries }) {
      writeField(vmcs, Field.logIndex, firstIndex(filling, logEntries));
      writeField(vmcs, Field.activeLog, 0);
      writeField(vmcs, Field.fullLogs, 0);
    },
  };
}
