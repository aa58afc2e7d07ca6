/**
 * QEMU's policy (migration/migration.c, migration_iteration_run): the VM is suspended when what is
 * pending can be sent within the downtime limit at the measured bandwidth. Pending is known exactly
 * only after a synchronisation of the bitmap, so a round ends when it may be little enough
 * (ram_state_pending_exact), looked at every 50 ms, and the question is asked again after the harvest.
 */
import {
  type AfterBatch,
  type BeforeRound,
  PAGE_BYTES,
  type PrecopyStats,
  type QemuPolicy,
} from "./stats.ts";

/** Bytes that may be left (threshold_size, migration_update_counters). */
export function switchoverThreshold({ downtimeLimit }: QemuPolicy, bandwidth: number): number {
  return bandwidth * downtimeLimit;
}

function canSwitchOver(policy: QemuPolicy, { pendingPages, bandwidth }: PrecopyStats): boolean {
  if (pendingPages === 0) return true;
  return pendingPages * PAGE_BYTES < switchoverThreshold(policy, bandwidth);
}

export function qemuBeforeRound(policy: QemuPolicy, stats: PrecopyStats): BeforeRound {
  if (canSwitchOver(policy, stats)) return "stop";
  return stats.iteration >= policy.maxRounds ? "abort" : "send";
}

export function qemuAfterBatch(policy: QemuPolicy, stats: PrecopyStats): AfterBatch {
  if (stats.pendingPages > 0 && !stats.sliceOver) return "send";
  return canSwitchOver(policy, stats) ? "harvest" : "send";
}
