/**
 * Page reference logging in PAML mode: what the walker does for each GPA that a walk gives (VEE21
 * section 3.2; DW19 section 4). The guest is never interrupted.
 */
import { Counter } from "../../hardware/counters.ts";
import type { Geometry } from "../../hardware/geometry.ts";
import { storeLogEntry } from "../../hardware/logStore.ts";
import { count, type LogUnit, type Mmu, type WalkLog } from "../../hardware/mmu.ts";
import { notePage } from "../../hardware/roundTruth.ts";
import {
  Field,
  publishField,
  readField,
  reloadField,
  SHORT_INDEX,
  secondaryControls,
  type Vmcs,
  writeField,
  writeImage,
} from "../../hardware/vmcs.ts";
import { SECONDARY_PML } from "../pml/walk.ts";
import type { PrlOptions, PrlSlotRuleName } from "./options.ts";

/** "PRL enable": bit 26 (DW19 section 4; VEE21 gives no number). */
export const SECONDARY_PRL = 1 << 26;
/** "Filter guest page-table pages from the PRL log": bit 27 (DW19 section 4). */
export const SECONDARY_PRL_FILTER = 1 << 27;

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

/** Logs the GPAs of walks, whatever their D flags say, or drops them. */
class PrlLog implements WalkLog {
  readonly logs = "walks";
  readonly #options: PrlOptions;

  constructor(options: PrlOptions) {
    this.#options = options;
  }

  /** VEE21 3.2 logs the GPA that a walk gives, one a TLB miss; DW19 the guest's tables too, unless bit 27 is set. */
  skipsStructures(secondary: number): boolean {
    return (secondary & SECONDARY_PRL_FILTER) !== 0 || this.#options.variant === "vee21";
  }

  log(mmu: Mmu, page: number): void {
    const { vmcs } = mmu;
    const index = readField(vmcs, Field.logIndex);
    const high = vmcs.words[2 * Field.logIndex + 1]!;
    // An index beyond the log has no slot: like a suspended one, it stores nothing. VEE21's 16-bit -1, 0xFFFF, is among these.
    if (index >>> 0 >= mmu.geometry.logEntries || high >>> SUSPENDED_SHIFT !== 0) {
      drop(mmu, page);
      return;
    }
    const { slotRule } = this.#options;
    if (index === 0) {
      if (slotRule === "store-at-zero") prlStore(mmu, 0, page);
      else drop(mmu, page);
      prlBecomeFull(mmu, this.#options.doubleBuffer);
      return;
    }
    prlStore(mmu, slotRule === "decrement-then-store" ? index - 1 : index, page);
    writeField(vmcs, Field.logIndex, index - 1);
  }
}

/** @param isThere no real processor has it */
export function prlUnit(options: PrlOptions, isThere: boolean): LogUnit {
  return {
    name: "prl",
    controls: SECONDARY_PRL | SECONDARY_PRL_FILTER,
    // DW19 section 4: page access and modification logging is bit 17 together with bit 26.
    selectedBy: SECONDARY_PML | SECONDARY_PRL,
    needsFlags: true,
    // PRL's index is signed: a negative one suspends the log (VEE21 3.2).
    index: { bits: options.variant === "dw19" ? 64 : SHORT_INDEX.bits, signed: true },
    log: new PrlLog(options),
    failure(vmcs) {
      const secondary = secondaryControls(vmcs);
      const own = secondary & (SECONDARY_PRL | SECONDARY_PRL_FILTER);
      if (own !== 0 && !isThere) return "prl-not-supported";
      const hasPml = (secondary & SECONDARY_PML) !== 0;
      return (own & SECONDARY_PRL) !== 0 && !hasPml ? "prl-without-pml" : null;
    },
  };
}

/** The log cannot take the page's address. */
function drop(mmu: Mmu, page: number): void {
  count(mmu, Counter.missedGpas, 1);
  const { round } = mmu.guest;
  if (round !== null) notePage(round.dropped, page);
}

function prlStore(mmu: Mmu, slot: number, page: number): void {
  storeLogEntry(mmu, readField(mmu.vmcs, Field.activeLog), slot, page);
}

/**
 * The log is full: the index becomes -1 and the LAPIC sends the log-full vector; with a second, empty
 * log, logging goes on there. The papers do not say how the handler learns which logs are full: we
 * write index and full-log bits back to the VMCS region.
 */
function prlBecomeFull(mmu: Mmu, doubleBuffer: boolean): void {
  const { vmcs } = mmu;
  const active = readField(vmcs, Field.activeLog);
  const fullLogs = readField(vmcs, Field.fullLogs) | (1 << active);
  writeField(vmcs, Field.fullLogs, fullLogs);
  const other = active ^ 1;
  if (doubleBuffer && (fullLogs & (1 << other)) === 0) {
    writeField(vmcs, Field.activeLog, other);
    writeField(vmcs, Field.logIndex, prlInitialIndex(mmu.geometry.logEntries));
  } else {
    writeField(vmcs, Field.logIndex, PRL_SUSPENDED);
  }
  // Only this log's bit: the handler may have cleared the other's in memory, and this processor not reloaded it yet.
  writeImage(vmcs, Field.fullLogs, vmcs.image[2 * Field.fullLogs]! | (1 << active));
  publishField(vmcs, Field.logIndex);
  publishField(vmcs, Field.activeLog);
  count(mmu, Counter.logFull, 1);
  mmu.logFilled = true;
}

/**
 * The handler's half of a reset, in the VMCS region in memory: the drained logs are empty again, and
 * a suspended processor may go on in one of them.
 */
export function prlResetImage(vmcs: Vmcs, drainedLogs: number, { logEntries }: Geometry): void {
  const fullLogs = vmcs.image[2 * Field.fullLogs]! & ~drainedLogs;
  writeImage(vmcs, Field.fullLogs, fullLogs);
  if (vmcs.image[2 * Field.logIndex]! >= 0) return;
  writeImage(vmcs, Field.activeLog, (drainedLogs & 1) !== 0 ? 0 : 1);
  writeImage(vmcs, Field.logIndex, prlInitialIndex(logEntries));
}

/**
 * The processor's half: VEE21's new instruction makes it reload log state from memory. A log that is
 * being filled keeps its index, which is newer than the one in memory.
 */
export function prlReload(vmcs: Vmcs): void {
  reloadField(vmcs, Field.fullLogs);
  if (readField(vmcs, Field.logIndex) >= 0) return;
  reloadField(vmcs, Field.activeLog);
  reloadField(vmcs, Field.logIndex);
}
