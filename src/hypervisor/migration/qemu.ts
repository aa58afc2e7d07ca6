/**
 * QEMU's policy (migration/migration.c, migration_iteration_run): the VM is suspended when what is
 * pending can be sent within the downtime limit at the measured bandwidth. Pending is known exactly
 * only after a synchronisation of the bitmap, so a round ends when it may be little enough
 * (ram_state_pending_exact), looked at every 50 ms, and the question is asked again after the harvest.
 *
 *   pending         | 8.2                        | 2026
 *   ----------------|----------------------------|-----------------------------
 *   below threshold | synchronise; then suspend  | synchronise; then suspend
 *   the threshold   | synchronise; then send, if | suspend, without another
 *                   | anything is pending        | synchronisation
 *   more            | send                       | send
 */
import {
  type AfterBatch,
  type BeforeRound,
  PAGE_BYTES,
  type PrecopyStats,
  type QemuPolicy,
} from "./stats.ts";

/** Bytes that may be left (threshold_size, migration_update_counters). */
export function switchoverThreshold(
  { downtimeLimit, switchoverBandwidth }: QemuPolicy,
  bandwidth: number,
): number {
  // It is asked for after the first window only: until then the threshold is 0.
  return bandwidth === 0 ? 0 : (switchoverBandwidth ?? bandwidth) * downtimeLimit;
}

/** Negative: less is pending than the threshold; 0: as much. */
function beyondThreshold(policy: QemuPolicy, { pendingPages, bandwidth }: PrecopyStats): number {
  return pendingPages * PAGE_BYTES - switchoverThreshold(policy, bandwidth);
}

/** Of what is known exactly. */
function canSwitchOver(policy: QemuPolicy, stats: PrecopyStats): boolean {
  const beyond = beyondThreshold(policy, stats);
  return policy.release === "8.2" ? stats.pendingPages === 0 || beyond < 0 : beyond <= 0;
}

export function qemuBeforeRound(policy: QemuPolicy, stats: PrecopyStats): BeforeRound {
  if (canSwitchOver(policy, stats)) return "stop";
  return stats.iteration >= policy.maxRounds ? "abort" : "send";
}

export function qemuAfterBatch(policy: QemuPolicy, stats: PrecopyStats): AfterBatch {
  if (stats.pendingPages > 0 && !stats.sliceOver) return "send";
  const beyond = beyondThreshold(policy, stats);
  if (beyond < 0) return "harvest";
  if (beyond > 0) return "send";
  return policy.release === "8.2" ? "harvest" : "stop";
}
