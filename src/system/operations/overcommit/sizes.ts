/** With how much memory VMs begin on an overcommitted host, and what they are always left. */
import type { Problems } from "../../../errors.ts";
import type { VmPlan } from "../../worldPlan.ts";
import type { OvercommitConfig } from "./overcommitSchema.ts";

type Sized = Pick<VmPlan, "name" | "pages" | "leafLevel" | "workloads">;

/**
 * Pages that a VM is always left. Each vCPU keeps the page that it waited for last, so that it gets on.
 */
export function minimumOf({ minimum }: OvercommitConfig, { pages, workloads }: Sized): number {
  return Math.min(pages, Math.max(workloads.length + 1, Math.ceil(minimum * pages)));
}

/**
 * At the start the host's memory is divided as the VMs' memory is, in whole leaves of the EPT. It must hold the minimums.
 */
export function initialSizes(
  config: OvercommitConfig,
  vms: readonly Sized[],
  indexBits: number,
  problems: Problems,
): number[] {
  const host = config.memory;
  const least = vms.reduce((sum, vm) => sum + minimumOf(config, vm), 0);
  if (least > host) {
    problems.add(
      ["operation", "memory"],
      `${host} pages, but the minimums of the VMs are ${least} pages`,
    );
  }
  const wanted = vms.reduce((sum, { pages }) => sum + pages, 0);
  return vms.map(({ pages, leafLevel }) => {
    const share = Math.min(pages, Math.floor((pages * host) / wanted));
    const leaf = 2 ** ((leafLevel - 1) * indexBits);
    return share - (share % leaf);
  });
}
