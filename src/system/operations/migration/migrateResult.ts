/** What came of a migration, as numbers and in words. */

import type {
  Attempt,
  MigrationContext,
  ThrottleStep,
} from "../../../../machines/migrationContext.ts";
import { type SamplerContext, samplerInterval } from "../../../../machines/sampler.ts";
import type { BytesResult } from "../../../hypervisor/arrivedBytes.ts";
import { averageRate, type MigrationRound } from "../../../hypervisor/migration/progress.ts";
import { impliedDowntime, zeroPagesIn } from "../../../hypervisor/migration/stats.ts";
import { itemAt } from "../../../lookup.ts";
import type { OperationResult } from "../../operation.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import type { PostcopyResult } from "./postcopyResult.ts";
import { type Remedy, remedyFor } from "./remedy.ts";
import { explain } from "./words.ts";

/** A migration that was followed by another. Times in cycles of virtual time. */
export interface EarlierMigration {
  readonly outcome: Outcome;
  readonly startTime: number;
  readonly totalTime: number;
  /** Null if it was given up. */
  readonly downtime: number | null;
  readonly pagesSent: number;
  readonly bytes: number;
  readonly rounds: readonly MigrationRound[];
}

/** The last migration that began. Times in cycles of virtual time, rates a second. */
export interface MigrateResult extends OperationResult {
  readonly kind: "migrate";
  readonly vm: string;
  readonly policy: "libxc" | "qemu";
  readonly outcome: Outcome;
  /** One sentence or two. */
  readonly why: string;
  /** Whether the destination equals the source at suspend; null if it did not come to that. */
  readonly verified: boolean | null;
  /** The first page that differs. */
  readonly firstDifference: number | null;
  readonly rounds: readonly MigrationRound[];
  /** Null if the run ended before. */
  readonly startTime: number | null;
  readonly totalTime: number;
  readonly setupTime: number;
  /** From the suspension to the resumption at the destination; null if there was none. */
  readonly downtime: number | null;
  /** Seconds that the fewest pages ever pending after a round would have taken; null before the first harvest. */
  readonly impliedDowntime: number | null;
  /** What would have been enough; null if the migration did converge. */
  readonly remedy: Remedy | null;
  readonly pagesSent: number;
  /** Pages among them that were all zero; not there unless they were looked for (`zeroPageDetection`). */
  readonly zeroPages?: number;
  readonly bytes: number;
  /** What came of post-copy; not there unless the policy allows it. */
  readonly postcopy?: PostcopyResult;
  /** What the pages' bytes say; not there if they have versions alone. */
  readonly memory?: BytesResult;
  readonly transferRate: number;
  readonly throttle: readonly ThrottleStep[];
  /** The migrations before it, of an operation that repeats. */
  readonly earlier: readonly EarlierMigration[];
  /** Accesses that the guest completed in each interval from the start of the run. */
  readonly throughput: { readonly interval: number; readonly accesses: readonly number[] };
}

/**
 * @param now the end of the run
 * @param written distinct pages that harvests have reported
 * @param findsZeroPages whether zero pages were looked for
 * @param memory what the pages' bytes say; null if they have none
 * @param postcopy what came of it; null if the policy does not allow it
 */
export function migrateResult(
  context: MigrationContext,
  sampler: SamplerContext,
  vm: string,
  now: number,
  written: number,
  findsZeroPages: boolean,
  memory: BytesResult | null,
  postcopy: PostcopyResult | null,
): MigrateResult {
  const { progress, comparison, firstDifference } = context;
  const { startTime, armedTime, suspendTime, resumeTime } = progress;
  const pagesSent = progress.pagesSent + (postcopy?.pagesSent ?? 0);
  const bytes = progress.bytesSent + (postcopy?.bytes ?? 0);
  const begun = startTime >= 0;
  const totalTime = begun ? (progress.endTime < 0 ? now : progress.endTime) - startTime : 0;
  const armed = armedTime < 0 ? now : armedTime;
  const outcome = outcomeOf(context, context.linkIsDown);
  const verified = comparison === "none" ? null : comparison === "equal";
  const least = progress.leastPending;
  return {
    kind: "migrate",
    vm,
    policy: context.policy.kind,
    outcome,
    why: explain(context, outcome, written),
    verified,
    firstDifference: firstDifference < 0 ? null : firstDifference,
    rounds: progress.round === null ? progress.rounds : [...progress.rounds, progress.round],
    startTime: begun ? startTime : null,
    totalTime,
    setupTime: begun ? armed - startTime : 0,
    downtime: resumeTime < 0 ? null : resumeTime - suspendTime,
    impliedDowntime: least < 0 ? null : impliedDowntime(least, averageRate(progress)),
    remedy: outcome === "did-not-converge" ? remedyFor(context, written) : null,
    pagesSent,
    ...(findsZeroPages ? { zeroPages: zeroPagesIn(pagesSent, bytes) } : {}),
    bytes,
    ...(postcopy === null ? {} : { postcopy }),
    ...(memory === null ? {} : { memory }),
    transferRate: averageRate(progress),
    throttle: context.throttleSteps,
    earlier: context.earlier.map(earlierMigration),
    throughput: {
      interval: samplerInterval(sampler),
      accesses: sampler.totals.slice(1).map((total, i) => total - itemAt(sampler.totals, i)),
    },
    failures: failuresOf(context, vm, outcome),
  };
}

function earlierMigration(attempt: Attempt): EarlierMigration {
  const { progress } = attempt;
  const { startTime, endTime, suspendTime, resumeTime, pagesSent, bytesSent, rounds } = progress;
  return {
    outcome: outcomeOf(attempt),
    startTime,
    totalTime: endTime - startTime,
    downtime: resumeTime < 0 ? null : resumeTime - suspendTime,
    pagesSent,
    bytes: bytesSent,
    rounds,
  };
}

/** An abort is what was asked for; the others are failures. */
function failuresOf(
  { comparison, firstDifference }: MigrationContext,
  vm: string,
  outcome: Outcome,
): string[] {
  if (comparison === "different") {
    return [
      `migration of ${vm}: page ${firstDifference} differs between the destination and the source at suspend`,
    ];
  }
  if (outcome === "paused") {
    return [`migration of ${vm}: the link failed in post-copy, and there is no other one`];
  }
  const failed = outcome === "failed" || outcome === "did-not-converge";
  return failed ? [`migration of ${vm}: ${outcome}; it runs on at the source`] : [];
}
