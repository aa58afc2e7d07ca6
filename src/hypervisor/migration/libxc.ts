/**
 * libxc's policy (tools/libs/guest/xg_sr_save.c): at most five live rounds, fewer if hardly anything
 * is dirty. It is asked before and after each round; a bitmap that was read with CLEAN is always
 * sent, even if the answer is to stop, because nothing else remembers its pages.
 */
import {
  type AfterBatch,
  type BeforeRound,
  impliedDowntime,
  type LibxcPolicy,
  type PrecopyStats,
} from "./stats.ts";

/** SPP_MAX_ITERATIONS and SPP_TARGET_DIRTY_COUNT. */
export const MAX_ITERATIONS = 5;
export const TARGET_DIRTY_COUNT = 50;

/** simple_precopy_policy. An unknown count, -1, says nothing. */
export function simplePrecopyPolicy({ dirtyPages, iteration }: PrecopyStats): "stop" | "continue" {
  const fewDirty = dirtyPages >= 0 && dirtyPages < TARGET_DIRTY_COUNT;
  return fewDirty || iteration >= MAX_ITERATIONS ? "stop" : "continue";
}

/**
 * XGS_POLICY_ABORT is for policies of the toolstack's own. Ours: if the last live round is about to be
 * sent and suspending the VM instead would already take longer than it may, five rounds did not help.
 */
function isHopeless({ downtimeLimit }: LibxcPolicy, stats: PrecopyStats): boolean {
  if (downtimeLimit === 0 || stats.iteration < MAX_ITERATIONS - 1) return false;
  return impliedDowntime(Math.max(0, stats.dirtyPages), stats.bandwidth) > downtimeLimit;
}

export function libxcBeforeRound(policy: LibxcPolicy, stats: PrecopyStats): BeforeRound {
  if (isHopeless(policy, stats)) return "abort";
  return simplePrecopyPolicy(stats) === "stop" ? "sendThenStop" : "send";
}

/** Asked between batches, but it decides only when the round is over, and the count is then unknown. */
export function libxcAfterBatch(stats: PrecopyStats): AfterBatch {
  if (stats.pendingPages > 0) return "send";
  const asked = { ...stats, iteration: stats.iteration + 1, dirtyPages: -1 };
  return simplePrecopyPolicy(asked) === "stop" ? "stop" : "harvest";
}
