/** What would have let a migration converge. */
import type { MigrationContext } from "../../../../machines/migrationContext.ts";
import { averageRate } from "../../../hypervisor/migration/progress.ts";
import { PAGE_BYTES, SLICE_SECONDS } from "../../../hypervisor/migration/stats.ts";

export interface Remedy {
  /** Bytes a second that would have been enough: all pages written since the start fit into the limit. */
  readonly bandwidth: number;
  /** Percent of throttle that would have been enough if the guest spread its writes evenly over those pages; null if 99 would not. */
  readonly throttle: number | null;
}

type Told = Pick<MigrationContext, "policy" | "progress" | "converge">;

/** @param written distinct pages that harvests have reported */
export function remedyFor(context: Told, written: number): Remedy | null {
  const { downtimeLimit } = context.policy;
  if (written === 0 || downtimeLimit === 0) return null;
  const throttle = throttleFor(context, written);
  return { bandwidth: (written * PAGE_BYTES) / downtimeLimit, throttle };
}

/**
 * Even writes to W pages dirty W (1 - exp(-t/T)) of them in a time t; the last round gives T. What is
 * dirtied between two looks at the pending pages must be less than what is sent meanwhile; and a guest
 * that runs a share s of the time is the same guest in a time s t.
 */
function throttleFor({ policy, progress, converge }: Told, written: number) {
  const last = progress.rounds.findLast(({ dirtyAfter }) => dirtyAfter !== null);
  if (last === undefined || last.dirtyRate === null || last.dirtyRate === 0) return null;
  const dirtied = Math.min(last.dirtyAfter!, written - 0.5);
  const seconds = last.dirtyAfter! / last.dirtyRate;
  const running = 1 - converge.percent / 100;
  const constant = (-seconds * running) / Math.log(1 - dirtied / written);
  const look = Math.min(SLICE_SECONDS, policy.downtimeLimit);
  const sent = Math.min((averageRate(progress) * look) / PAGE_BYTES, written - 0.5);
  const share = (-constant / look) * Math.log(1 - sent / written);
  const percent = Math.ceil(100 * (1 - share));
  return percent > 99 ? null : Math.max(percent, 1);
}
