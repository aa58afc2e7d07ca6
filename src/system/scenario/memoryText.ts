/** Memory in words, for messages. */
import type { VmPlan } from "../worldPlan.ts";

export const PAGE_BYTES = 4096;

export function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

export function pagesOf(vms: readonly VmPlan[]): number {
  return vms.reduce((sum, { pages }) => sum + pages, 0);
}

/** Of all VMs together. */
export function guestMemory(vms: readonly VmPlan[]): string {
  return `${gib(pagesOf(vms) * PAGE_BYTES)} of guest memory`;
}
