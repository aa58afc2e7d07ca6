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
  readField,
  SHORT_INDEX,
  secondaryControls,
  type Vmcs,
  writeField,
} from "../../hardware/vmcs.ts";
import { SECONDARY_PML } from "../pml/walk.ts";
import { becomeFull, resetInMemory } from "../suspended.ts";
import type { PrlOptions, PrlSlotRuleName } from "./options.ts";

/** "PRL enable": bit 26 (DW19 section 4; VEE21 gives no number). */
export const SECONDARY_PRL = 1 << 26;
/** "Filter guest page-table pages from the PRL log": bit 27 (DW19 section 4). */
export const SECONDARY_PRL_FILTER = 1 << 27;

/** DW19: any of bits 63:60 of the index suspends the log; in the high word, bits 31:28. */
const SUSPENDED_SHIFT = 28;

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
      becomeFull(mmu, prlInitialIndex(mmu.geometry.logEntries), this.#options.doubleBuffer);
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
      if (!isThere) return "prl-not-supported";
      const hasPml = (secondary & SECONDARY_PML) !== 0;
      return (secondary & SECONDARY_PRL) !== 0 && !hasPml ? "prl-without-pml" : null;
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

/** The handler's half of a reset. */
export function prlResetImage(vmcs: Vmcs, drainedLogs: number, { logEntries }: Geometry): void {
  resetInMemory(vmcs, drainedLogs, prlInitialIndex(logEntries));
}
