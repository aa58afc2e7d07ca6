/** Whether chance enters a run: whether any of its parts makes random choices. If none does, every seed gives the same run. */
import { isCertain } from "../../../workloads/workloadKinds.ts";
import { estimatorNamed } from "../../hypervisor/wss/estimators/all.ts";
import { configured } from "../operations/all.ts";
import type { Scenario } from "../scenarioSchema.ts";

export function isLeftToChance({ vms, operation, faults }: Scenario): boolean {
  const { draws, estimator } = configured(operation, faults);
  const samples = estimator !== null && estimatorNamed(estimator).sampling !== undefined;
  return (
    draws ||
    samples ||
    vms.some(
      ({ workload, devices = [] }) =>
        !isCertain(workload) || devices.some(({ order }) => order === "random"),
    )
  );
}
