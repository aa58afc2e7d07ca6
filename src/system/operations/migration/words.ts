/** Why a migration ended as it did, in words, and what would have helped. */
import { goesPostcopy, type MigrationContext } from "../../../../machines/migrationContext.ts";
import { CYCLES_PER_SECOND, formatCycles } from "../../../config/units.ts";
import { MAX_ITERATIONS, TARGET_DIRTY_COUNT } from "../../../hypervisor/migration/libxc.ts";
import { averageRate } from "../../../hypervisor/migration/progress.ts";
import { impliedDowntime, PAGE_BYTES } from "../../../hypervisor/migration/stats.ts";
import type { Outcome } from "./outcome.ts";
import { type Remedy, remedyFor } from "./remedy.ts";

/** @param written distinct pages that harvests have reported */
export function explain(context: MigrationContext, outcome: Outcome, written: number): string {
  switch (outcome) {
    case "completed":
      return completed(context);
    case "did-not-converge":
      return didNotConverge(context, remedyFor(context, written));
    case "failed":
      return `The link failed ${after(context)}; ${stayed(context)}`;
    case "aborted":
      if (context.cancelledBy === "deadline") {
        return `The run ended before the migration ${context.progress.startTime < 0 ? "began" : "did"}.`;
      }
      return `Aborted by the operator ${after(context)}; ${stayed(context)}`;
    case "paused":
      return `The link failed in post-copy: the guest runs at the destination with what is there, ${pages(context.progress.pendingPages)} were missing at the switch, and neither side has all of it.`;
    case "unfinished":
      if (context.progress.resumeTime >= 0) {
        return "The run stopped in post-copy: the guest runs at the destination, and its last pages have not come.";
      }
      return "The run stopped before the migration ended.";
  }
}

function completed(context: MigrationContext): string {
  const { policy, progress } = context;
  const last = progress.rounds.findLast(({ live }) => live);
  if (policy.kind === "qemu" && policy.postcopy !== undefined && goesPostcopy(context)) {
    return `Went on as post-copy after ${progress.iteration} live ${progress.iteration === 1 ? "round" : "rounds"}, and every page has come.`;
  }
  if (policy.kind === "qemu") {
    const limit = formatSeconds(policy.downtimeLimit);
    return `What was pending could be sent within the downtime limit of ${limit}.`;
  }
  if (last !== undefined && progress.iteration >= MAX_ITERATIONS) {
    const lastDirty = progress.rounds.at(-1)!.pagesSent;
    return `Suspended after ${MAX_ITERATIONS} live rounds, libxc's limit, with ${pages(lastDirty)} still to send.`;
  }
  return `Suspended because fewer than ${TARGET_DIRTY_COUNT} pages were dirty after live round ${progress.iteration}.`;
}

function didNotConverge(context: MigrationContext, remedy: Remedy | null): string {
  const { policy, progress, converge } = context;
  const carried = averageRate(progress);
  const dirtied = progress.rounds.findLast(({ dirtyRate }) => dirtyRate !== null)?.dirtyRate ?? 0;
  const implied = impliedDowntime(progress.leastPending, carried);
  const throttled = converge.percent === 0 ? "" : ` under a throttle of ${converge.percent} %`;
  return [
    `Does not converge: after ${progress.iteration} live rounds the guest dirties`,
    `${mebibytes(dirtied * PAGE_BYTES)}${throttled} and the link carries ${mebibytes(carried)}.`,
    `The best moment had ${pages(progress.leastPending)} left, an implied downtime of`,
    `${formatSeconds(implied)}; the limit is ${formatSeconds(policy.downtimeLimit)}.`,
    ...(progress.bandwidth === 0
      ? ["QEMU had not yet measured the link, which takes it 100 ms, so it could not know."]
      : []),
    ...(remedy === null
      ? []
      : [
          `A link that carries ${mebibytes(remedy.bandwidth)} would have been enough: all pages written`,
          "so far in one downtime.",
          remedy.throttle === null
            ? "No throttle would."
            : `So would a throttle of about ${remedy.throttle} %, if the guest spreads its writes evenly.`,
        ]),
    capitalized(stayed(context)),
  ].join(" ");
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function after({ progress: { startTime, endTime, pagesSent } }: MigrationContext): string {
  const time = endTime < 0 ? 0 : endTime - startTime;
  return `${formatCycles(time)} after the start, with ${pages(pagesSent)} sent`;
}

function stayed({ progress }: MigrationContext): string {
  return progress.armedTime < 0
    ? "the VM runs on at the source."
    : "tracking is off again and the VM runs on at the source.";
}

function pages(count: number): string {
  return count === 1 ? "1 page" : `${count.toLocaleString("en")} pages`;
}

function mebibytes(bytesPerSecond: number): string {
  const value = bytesPerSecond / 2 ** 20;
  const digits = value < 10 ? 100 : 1;
  return `${(Math.ceil(value * digits) / digits).toLocaleString("en")} MiB/s`;
}

function formatSeconds(seconds: number): string {
  return formatCycles(seconds * CYCLES_PER_SECOND);
}
