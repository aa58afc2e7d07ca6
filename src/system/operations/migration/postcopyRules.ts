/** What goes with post-copy, and what does not. */
import type { Problems } from "../../../errors.ts";
import type { VmPlan } from "../../worldPlan.ts";
import type { MigrateConfig } from "./migrateSchema.ts";

/** @param vm that migrates */
export function refusePostcopy(
  { policy, link, repeat, abortAfter }: MigrateConfig,
  vm: VmPlan | undefined,
  problems: Problems,
): void {
  const at = ["operation", "policy", "postcopy"];
  const isAsked = policy.kind === "qemu" && policy.postcopy !== undefined;
  if (link.recoverAfter !== undefined && !isAsked) {
    problems.add(
      ["operation", "link", "recoverAfter"],
      "needs operation.policy.postcopy: before it, a migration whose link fails is given up",
    );
  }
  if (!isAsked || vm === undefined) return;
  if (link.recoverAfter !== undefined && link.failAfter === undefined) {
    problems.add(["operation", "link", "recoverAfter"], "needs operation.link.failAfter");
  }
  // QEMU's postcopy.rst: a migration that is in post-copy cannot be cancelled.
  if ((abortAfter ?? 0) > (policy.postcopy?.after ?? Number.POSITIVE_INFINITY)) {
    problems.add(
      ["operation", "abortAfter"],
      "is later than operation.policy.postcopy.after: post-copy cannot be cancelled",
    );
  }
  if (repeat !== undefined) problems.add(at, "does not go with operation.repeat");
  for (const what of writersOf(vm)) problems.add(at, `does not go with ${what} of VM "${vm.name}"`);
}

/** What writes memory beside its vCPUs, and so would have to wait for pages that have not come; what moves bytes. */
function writersOf({ devices, slots, pv, workloads }: VmPlan): string[] {
  return [
    ...(devices.length > 0 ? ["the devices"] : []),
    ...(slots === null ? [] : ["the memory slots"]),
    ...(pv === null ? [] : ["the hypervisorWrites"]),
    ...(workloads.some(({ machine }) => machine !== undefined) ? ["the contents: bytes"] : []),
    ...(workloads.some(({ traced }) => traced !== undefined) ? ["the traced paging"] : []),
  ];
}
