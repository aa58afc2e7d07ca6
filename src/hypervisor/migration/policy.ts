/** When a pre-copy migration sends, harvests, and stops the VM: the questions that every policy answers. */
import type { AutoConverge } from "./autoConverge.ts";
import { libxcAfterBatch, libxcBeforeRound } from "./libxc.ts";
import { qemuAfterBatch, qemuBeforeRound } from "./qemu.ts";

/** Bytes of a page, as every policy counts them. */
export const PAGE_BYTES = 4096;

export interface LibxcPolicy {
  readonly kind: "libxc";
  /** Seconds of implied downtime above which the migration is aborted; 0 = never. */
  readonly downtimeLimit: number;
}

export interface QemuPolicy {
  readonly kind: "qemu";
  /** Seconds. */
  readonly downtimeLimit: number;
  /** Live rounds after which the migration is given up; QEMU itself goes on for ever. */
  readonly maxRounds: number;
  readonly autoConverge: AutoConverge | null;
}

export type Policy = LibxcPolicy | QemuPolicy;

/** What a policy is told. */
export interface PrecopyStats {
  /** Live rounds completed. */
  readonly iteration: number;
  /** Pages found dirty by the last harvest; of the first round all pages; -1 = unknown. */
  readonly dirtyPages: number;
  /** Pages that wait to be sent. */
  readonly pendingPages: number;
  /** Measured, in bytes per second; 0 = not measured yet. */
  readonly bandwidth: number;
}

/** Before a round: send it, send it and then suspend the VM, suspend at once, or give up without sending. */
export type BeforeRound = "send" | "sendThenStop" | "stop" | "abort";

/** After a batch: the next one, a new round, or suspend the VM. */
export type AfterBatch = "send" | "harvest" | "stop";

export function beforeRound(policy: Policy, stats: PrecopyStats): BeforeRound {
  return policy.kind === "libxc" ? libxcBeforeRound(policy, stats) : qemuBeforeRound(policy, stats);
}

export function afterBatch(policy: Policy, stats: PrecopyStats): AfterBatch {
  return policy.kind === "libxc" ? libxcAfterBatch(stats) : qemuAfterBatch(policy, stats);
}

/** Seconds that sending these pages would take: the downtime, if the VM were suspended now. Infinity if the bandwidth is unknown. */
export function impliedDowntime(pages: number, bandwidth: number): number {
  if (pages === 0) return 0;
  return bandwidth > 0 ? (pages * PAGE_BYTES) / bandwidth : Number.POSITIVE_INFINITY;
}
