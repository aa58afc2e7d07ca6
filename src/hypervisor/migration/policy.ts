/** When a pre-copy migration sends, harvests, and stops the VM: the questions that every policy answers. */
import { libxcAfterBatch, libxcBeforeRound } from "./libxc.ts";
import { qemuAfterBatch, qemuBeforeRound } from "./qemu.ts";
import type { AfterBatch, BeforeRound, Policy, PrecopyStats } from "./stats.ts";

export function beforeRound(policy: Policy, stats: PrecopyStats): BeforeRound {
  return policy.kind === "libxc" ? libxcBeforeRound(policy, stats) : qemuBeforeRound(policy, stats);
}

export function afterBatch(policy: Policy, stats: PrecopyStats): AfterBatch {
  return policy.kind === "libxc" ? libxcAfterBatch(stats) : qemuAfterBatch(policy, stats);
}
