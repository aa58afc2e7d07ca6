/** Estimation of working-set sizes as a scenario configures it. */
import * as z from "zod";
import { positiveDuration, SIZE_HELP, size } from "../../../config/units.ts";
import { estimatorSchema } from "../../../hypervisor/wss/estimators/all.ts";

/** The VM is booted again at each twentieth less: from a larger one that takes minutes. */
const KERNEL_VM_MAX = (64 * 2 ** 30) / 4096;

const window = positiveDuration
  .optional()
  .describe("T of the true working set W(t, T), whole intervals; default: one interval");

const kernelFootprint = z
  .union(
    [
      size,
      z.strictObject({
        needs: size.describe("memory without which the emulated guest kernel crashes"),
        from: size
          .prefault("2GiB")
          .refine((pages) => pages <= KERNEL_VM_MAX, { error: "expected at most 64GiB" })
          .describe("memory of the VM that is shrunk until it crashes"),
      }),
    ],
    { error: `expected ${SIZE_HELP}, or { needs, from }` },
  )
  .optional()
  .describe("f, added to every estimate: a size, or found by shrinking a VM (VEE21 3.4)");

/** What every operation that estimates is told about it, with the estimators that there are now. */
export function estimationFields() {
  return { estimator: estimatorSchema, window, kernelFootprint };
}

export function estimateSchema() {
  return z
    .strictObject({
      kind: z.literal("estimate"),
      ...estimationFields(),
      loadInterval: positiveDuration
        .optional()
        .describe(
          "time between two looks at the load of the pVM's CPUs; default: a tenth of an interval",
        ),
    })
    .describe("estimate the working-set size of each VM while its workload runs");
}

export type EstimateConfig = z.output<ReturnType<typeof estimateSchema>>;
/** The part of an operation's configuration that estimationFields describes. */
export type EstimationConfig = Pick<EstimateConfig, keyof ReturnType<typeof estimationFields>>;
