/** Whether a migration converges within a downtime: judged from what came of one run of it, or several. */
import { CYCLES_PER_SECOND, formatCycles } from "../../config/units.ts";
import { ExitReason } from "../../hardware/exit.ts";
import type { MigrationRound } from "../../hypervisor/migration/progress.ts";
import { PAGE_BYTES } from "../../hypervisor/migration/stats.ts";
import type { MigrateResult } from "../../system/operations/migration/migrateResult.ts";
import type { RunSummary } from "../../system/summary.ts";
import { counted, mebibytes, significant } from "./sentence.ts";

/**
 * "meets": completed, with a downtime within the limit; "late": completed with a longer one; "endless": it
 * does not converge; "unknown": the run does not tell.
 */
export type Verdict = "meets" | "late" | "endless" | "unknown";

export interface Judged {
  readonly verdict: Verdict;
  readonly why: string;
}

/** Live rounds without progress from which a migration that was cut off is judged. */
const ROUNDS_TO_TELL = 4;
/** Less than this part fewer pages than in rounds before is no progress. */
const PROGRESS = 0.1;

export interface JudgedBy {
  readonly limitCycles: number;
  /** Whether the policy slows the guest down, step by step: what it did so far says nothing of the end. */
  readonly throttles: boolean;
}

/** @param run of one migration that nobody aborts; it ends at its `until` at the latest */
export function judge(
  run: Pick<RunSummary, "exits">,
  result: MigrateResult,
  { limitCycles, throttles }: JudgedBy,
): Judged {
  const { outcome, downtime, impliedDowntime, why } = result;
  if ((run.exits[String(ExitReason.hlt)] ?? 0) > 0) {
    return unknown("a guest had ended its work before: this says nothing of one that runs");
  }
  switch (outcome) {
    case "completed": {
      const isMet = downtime !== null && downtime <= limitCycles;
      return { verdict: isMet ? "meets" : "late", why: "" };
    }
    case "did-not-converge":
      if (impliedDowntime !== null && impliedDowntime * CYCLES_PER_SECOND < limitCycles) {
        return unknown("it was given up although what was left would have fit into the downtime");
      }
      return { verdict: "endless", why };
    case "aborted":
      return throttles ? cutOff(result) : (standstillOf(result, limitCycles) ?? cutOff(result));
    case "failed":
    case "unfinished":
    case "paused":
      return unknown(why);
  }
}

function unknown(why: string): Judged {
  return { verdict: "unknown", why };
}

function cutOff({ totalTime, rounds }: MigrateResult): Judged {
  const live = rounds.filter((round) => round.live && round.dirtyAfter !== null);
  return unknown(
    `the run ended after ${formatCycles(totalTime)} of migration and ${counted(live.length, "whole round")}: --horizon makes it longer`,
  );
}

/** Rounds that leave more than fits into the downtime, and not less and less of it. */
function standstillOf(result: MigrateResult, limitCycles: number): Judged | null {
  const left = result.rounds.flatMap(({ dirtyAfter }) => (dirtyAfter === null ? [] : [dirtyAfter]));
  if (left.length < ROUNDS_TO_TELL) return null;
  const fits = (result.transferRate * limitCycles) / CYCLES_PER_SECOND / PAGE_BYTES;
  const half = Math.floor(left.length / 2);
  const before = Math.min(...left.slice(0, half));
  const after = Math.min(...left.slice(half));
  if (after <= fits || after < (1 - PROGRESS) * before) return null;
  const least = Math.min(before, after);
  return {
    verdict: "endless",
    why: `${counted(left.length, "round")} left ${counted(least, "page")} or more, and the later ones no fewer; ${counted(Math.floor(fits), "page")} fit into the downtime`,
  };
}

/** Of the same with several seeds. "mixed": it depends on them. */
export function together(all: readonly Judged[]): Verdict | "mixed" {
  const [first, ...others] = all.map(({ verdict }) => verdict);
  if (first === undefined) return "unknown";
  return others.every((one) => one === first) ? first : "mixed";
}

/** Rounds that are told. */
const ROUNDS_TOLD = 3;

/** How fast the guest wrote in rounds, against what the link carried. */
export function ratesText({ rounds, transferRate }: MigrateResult): string {
  const known = rounds.filter(({ live, dirtyRate }) => live && dirtyRate !== null);
  const told =
    known.length <= ROUNDS_TOLD ? known : [...known.slice(0, ROUNDS_TOLD - 1), ...known.slice(-1)];
  const link = `the link carried ${significant(mebibytes(transferRate))} MiB/s`;
  if (told.length === 0) return `No round has ended; ${link}.`;
  return `The guest dirtied ${told.map(roundText).join(", ")}; ${link}.`;
}

function roundText({ iteration, dirtyAfter, dirtyRate, duration }: MigrationRound): string {
  const rate = significant(mebibytes((dirtyRate ?? 0) * PAGE_BYTES));
  return `${counted(dirtyAfter ?? 0, "page")} in round ${iteration} of ${formatCycles(duration)} (${rate} MiB/s)`;
}
