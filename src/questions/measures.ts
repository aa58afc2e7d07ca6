/** What a comparison measures of each run: numbers with units, read from summaries. */
import { CYCLES_PER_SECOND } from "../config/units.ts";
import { ExitReason } from "../hardware/exit.ts";
import type { RunSummary } from "../system/summary.ts";
import { agreementOf, type Overlap } from "../system/verdict/agreement.ts";
import { overlapOf } from "../system/verdict/harvestVerdict.ts";

export interface Measures {
  /** Percent by which an access takes longer than without tracking: walks, exits, handlers, waiting. */
  readonly overhead: number;
  /** VM exits, HLT left out: the guest takes that without tracking, too. */
  readonly exits: number;
  /** IPIs to the pVM. */
  readonly interrupts: number;
  /** Milliseconds of the pVM's CPUs, for tracking and processes. */
  readonly pvmTime: number;
  /** Bytes kept for tracking. */
  readonly memory: number;
  /** Pages that harvests reported, each counted in its round. */
  readonly found: number;
  /** Pages that they owed and did not report, lost or dropped. */
  readonly missed: number;
  /** Pages that they reported and that nobody had touched. */
  readonly overReported: number;
  /** Of the pages found, those that were owed; of those owed, the ones found; of either, those in both. 1 where there were none. */
  readonly precision: number;
  readonly recall: number;
  readonly jaccard: number;
}

export const MEASURES = [
  "overhead",
  "exits",
  "interrupts",
  "pvmTime",
  "memory",
  "found",
  "missed",
  "overReported",
  "precision",
  "recall",
  "jaccard",
] as const satisfies readonly (keyof Measures)[];

/** Causes of a vCPU's time beside its own work. */
export const CAUSES = ["ptw", "exit", "entry", "handler", "waiting"] as const;
export type Cause = (typeof CAUSES)[number];

/** Cycles of the vCPUs for each access, by cause, and `guest` the guest's own. */
export function cyclesPerAccess({
  cycles,
  accesses,
}: RunSummary): Readonly<Record<Cause | "guest", number>> {
  const of = (cause: Cause | "guest"): number => cycles[cause] / (accesses || 1);
  return {
    guest: of("guest"),
    ptw: of("ptw"),
    exit: of("exit"),
    entry: of("entry"),
    handler: of("handler"),
    waiting: of("waiting"),
  };
}

/** @param base the same scenario without tracking */
export function measuresOf(summary: RunSummary, base: RunSummary): Measures {
  return { overhead: overheadOf(wholeOf(summary), wholeOf(base)), ...ownMeasuresOf(summary) };
}

/** Percent by which an access takes longer than without tracking. @param whole,base as `wholeOf` */
export function overheadOf(whole: number, base: number): number {
  return 100 * (whole / base - 1);
}

/** What needs no run to compare with. */
export function ownMeasuresOf(summary: RunSummary): Omit<Measures, "overhead"> {
  const { harvests, pvm, ipis, exits } = summary;
  const overlaps = harvests.map(overlapOf);
  const sum = (of: keyof Overlap): number => overlaps.reduce((all, one) => all + one[of], 0);
  const overlap = { found: sum("found"), owed: sum("owed"), right: sum("right") };
  const spent = pvm.exit + pvm.entry + pvm.handler + pvm.control + pvm.processes;
  return {
    exits: Object.entries(exits)
      .filter(([reason]) => Number(reason) !== ExitReason.hlt)
      .reduce((all, [, count]) => all + count, 0),
    interrupts: ipis,
    pvmTime: (1000 * spent) / CYCLES_PER_SECOND,
    memory: summary.trackingBytes,
    found: overlap.found,
    missed: overlap.owed - overlap.right,
    overReported: overlap.found - overlap.right,
    ...agreementOf(overlap),
  };
}

/** Cycles of the vCPUs for each access, of all causes. */
export function wholeOf(summary: RunSummary): number {
  return Object.values(cyclesPerAccess(summary)).reduce((all, one) => all + one, 0);
}
