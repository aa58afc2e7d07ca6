/** A log that is filled upwards from 0, and of which a bit says that it could not take everything. */
import { Counter } from "../hardware/counters.ts";
import { storeLogEntry } from "../hardware/logStore.ts";
import { count, type Mmu, type TransitionLog } from "../hardware/mmu.ts";
import { Field, readField, type Vmcs, writeField } from "../hardware/vmcs.ts";
import type { Slot, Unit, VmcsWords } from "./unit.ts";

/** In Field.fullLogs: something was dropped since software cleared it. */
const OVERFLOWED = 1;

function word({ words }: VmcsWords, field: number): number {
  return words[2 * field] ?? 0;
}

/** Stores a page's address in the next slot, or drops it. Returns whether it was stored. */
export function logUpwards(mmu: Mmu, page: number): boolean {
  const { vmcs } = mmu;
  const index = readField(vmcs, Field.logIndex);
  if (index >= mmu.geometry.logEntries) {
    dropsUpwards(mmu);
    // The first that is dropped makes the log overflow; the others change nothing.
    if ((readField(vmcs, Field.fullLogs) & OVERFLOWED) !== 0) return false;
    count(mmu, Counter.logFull, 1);
    writeField(vmcs, Field.fullLogs, OVERFLOWED, 0);
    return false;
  }
  storeLogEntry(mmu, 0, index, page);
  writeField(vmcs, Field.logIndex, index + 1, 0);
  return true;
}

/** Logs first writes, and never ends an access. */
export const writesUpwards: TransitionLog = {
  logs: "transitions",
  gatesAccessed: false,
  // No access ends so.
  exitReason: 0,
  isFull: () => false,
  log: (mmu, page) => {
    logUpwards(mmu, page);
  },
};

/** An address that is not logged. */
export function dropsUpwards(mmu: Mmu): void {
  count(mmu, Counter.missedGpas, 1);
}

export function hasDropped(vmcs: VmcsWords): boolean {
  return (word(vmcs, Field.fullLogs) & OVERFLOWED) !== 0;
}

/** VMWRITE, by software: the log is empty, and has dropped nothing. */
export function emptyUpwards(vmcs: Vmcs): void {
  writeField(vmcs, Field.logIndex, 0);
  writeField(vmcs, Field.fullLogs, 0);
}

/** What a unit of one such log says of its slots. */
export const upwardSlots: Pick<Unit, "usedSlots" | "isIndexValid" | "nextSlots" | "shownIndex"> = {
  usedSlots: (vmcs, log, { logEntries }) =>
    log === 0 ? [0, Math.min(word(vmcs, Field.logIndex), logEntries)] : [0, 0],
  isIndexValid: (vmcs, { logEntries }) => word(vmcs, Field.logIndex) <= logEntries,
  nextSlots(vmcs, count) {
    const index = word(vmcs, Field.logIndex);
    return Array.from({ length: count }, (_, i): Slot => [0, index + i]);
  },
  shownIndex: (vmcs) => word(vmcs, Field.logIndex),
};
