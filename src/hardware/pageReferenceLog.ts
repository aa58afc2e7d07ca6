/**
 * Page reference logging in PAML mode: what the walker does for each GPA that a walk gives (VEE21
 * section 3.2; DW19 section 4). The guest is never interrupted.
 */
import { Counter } from "./counters.ts";
import { count, type Mmu } from "./mmu.ts";
import { storeLogEntry } from "./pageModificationLog.ts";
import type { PrlSlotRuleName } from "./prlOptions.ts";
import { notePage } from "./roundTruth.ts";
import {
  Field,
  publishField,
  readField,
  reloadField,
  type Vmcs,
  writeField,
  writeImage,
} from "./vmcs.ts";

/** DW19: any of bits 63:60 of the index suspends the log; in the high word, bits 31:28. */
const SUSPENDED_SHIFT = 28;

/** The index while the log is suspended. */
export const PRL_SUSPENDED = -1;

/** The index that software writes into an empty log. */
export function prlInitialIndex(logEntries: number): number {
  return logEntries - 1;
}

/** Entries that one log holds under a slot rule. */
export function prlCapacity(logEntries: number, rule: PrlSlotRuleName): number {
  return rule === "store-at-zero" ? logEntries : logEntries - 1;
}

/**
 * The used slots of a log whose index is `index`, as [first, end): what a handler copies.
 * A suspended log is full.
 */
export function prlUsedSlots(
  index: number,
  logEntries: number,
  rule: PrlSlotRuleName,
): readonly [number, number] {
  const full = index < 0;
  switch (rule) {
    case "decrement-then-store":
      return [full ? 0 : index, logEntries - 1];
    case "store-then-decrement":
      return [full ? 1 : index + 1, logEntries];
    case "store-at-zero":
      return [full ? 0 : index + 1, logEntries];
  }
}

/**
 * The used slots of log `which` of a vCPU as its processor sees them, as [first, end): all of a full
 * log, those of the log in use by its index, none of any other.
 */
export function prlLogSlots(
  vmcs: Vmcs,
  which: number,
  logEntries: number,
  rule: PrlSlotRuleName,
): readonly [number, number] {
  if ((readField(vmcs, Field.prlFullLogs) & (1 << which)) !== 0) {
    return prlUsedSlots(PRL_SUSPENDED, logEntries, rule);
  }
  if (readField(vmcs, Field.prlActiveLog) !== which) return [0, 0];
  return prlUsedSlots(readField(vmcs, Field.pmlIndex) | 0, logEntries, rule);
}

/** Logs one GPA of a walk, whatever its D flag says, or drops it. */
export function prlLog(mmu: Mmu, page: number, isPagingStructure: boolean): void {
  if (isPagingStructure && mmu.prlFilter) return;
  const { vmcs } = mmu;
  const index = readField(vmcs, Field.pmlIndex);
  const high = vmcs.words[2 * Field.pmlIndex + 1]!;
  // An index beyond the log has no slot: like a suspended one, it stores nothing. VEE21's 16-bit -1, 0xFFFF, is among these.
  if (index >>> 0 >= mmu.geometry.logEntries || high >>> SUSPENDED_SHIFT !== 0) {
    drop(mmu, page);
    return;
  }
  const { slotRule } = mmu.prlOptions;
  if (index === 0) {
    if (slotRule === "store-at-zero") prlStore(mmu, 0, page);
    else drop(mmu, page);
    prlBecomeFull(mmu);
    return;
  }
  prlStore(mmu, slotRule === "decrement-then-store" ? index - 1 : index, page);
  writeField(vmcs, Field.pmlIndex, index - 1);
}

/** The log cannot take the page's address. */
function drop(mmu: Mmu, page: number): void {
  count(mmu, Counter.missedGpas, 1);
  const { round } = mmu.guest;
  if (round !== null) notePage(round.dropped, page);
}

function prlStore(mmu: Mmu, slot: number, page: number): void {
  storeLogEntry(mmu, readField(mmu.vmcs, Field.prlActiveLog), slot, page);
}

/**
 * The log is full: the index becomes -1 and the LAPIC sends the log-full vector; with a second, empty
 * log, logging goes on there. The papers do not say how the handler learns which logs are full: we
 * write index and full-log bits back to the VMCS region.
 */
function prlBecomeFull(mmu: Mmu): void {
  const { vmcs } = mmu;
  const active = readField(vmcs, Field.prlActiveLog);
  const fullLogs = readField(vmcs, Field.prlFullLogs) | (1 << active);
  writeField(vmcs, Field.prlFullLogs, fullLogs);
  const other = active ^ 1;
  if (mmu.prlOptions.doubleBuffer && (fullLogs & (1 << other)) === 0) {
    writeField(vmcs, Field.prlActiveLog, other);
    writeField(vmcs, Field.pmlIndex, prlInitialIndex(mmu.geometry.logEntries));
  } else {
    writeField(vmcs, Field.pmlIndex, PRL_SUSPENDED);
  }
  // Only this log's bit: the handler may have cleared the other's in memory, and this processor not reloaded it yet.
  writeImage(vmcs, Field.prlFullLogs, vmcs.image[2 * Field.prlFullLogs]! | (1 << active));
  publishField(vmcs, Field.pmlIndex);
  publishField(vmcs, Field.prlActiveLog);
  count(mmu, Counter.logFull, 1);
  mmu.prlFull = true;
}

/**
 * The handler's half of a reset, in the VMCS region in memory: the drained logs are empty again, and
 * a suspended processor may go on in one of them.
 */
export function prlResetImage(vmcs: Vmcs, drainedLogs: number, logEntries: number): void {
  const fullLogs = vmcs.image[2 * Field.prlFullLogs]! & ~drainedLogs;
  writeImage(vmcs, Field.prlFullLogs, fullLogs);
  if (vmcs.image[2 * Field.pmlIndex]! >= 0) return;
  writeImage(vmcs, Field.prlActiveLog, (drainedLogs & 1) !== 0 ? 0 : 1);
  writeImage(vmcs, Field.pmlIndex, prlInitialIndex(logEntries));
}

/**
 * The processor's half: VEE21's new instruction makes it reload log state from memory. A log that is
 * being filled keeps its index, which is newer than the one in memory.
 */
export function prlReload(vmcs: Vmcs): void {
  reloadField(vmcs, Field.prlFullLogs);
  if (readField(vmcs, Field.pmlIndex) >= 0) return;
  reloadField(vmcs, Field.prlActiveLog);
  reloadField(vmcs, Field.pmlIndex);
}
