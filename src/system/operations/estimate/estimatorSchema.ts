/** The estimators of a working-set size as a scenario configures them. */
import * as z from "zod";
import { CYCLES_PER_SECOND, duration, SIZE_HELP, size } from "../../../config/units.ts";
import { FOLLOW } from "../../../hypervisor/wss/prlLoop.ts";

/** omega of VEE21's evaluation. */
export const DEFAULT_OMEGA = 120 * CYCLES_PER_SECOND;

/** The VM is booted again at each twentieth less: from a larger one that takes minutes. */
const KERNEL_VM_MAX = (64 * 2 ** 30) / 4096;

const positive = duration.refine((cycles) => cycles > 0, { error: "expected more than 0" });
const gain = z.number().gt(0).max(1);

const interval = positive
  .prefault("30s")
  .describe("time between two estimates, in virtual time; VEE21 and ESX: 30 s");

/** VEE21 3.4; tau, mu and omega are the paper's, and so are their defaults. */
const prl = z
  .strictObject({
    kind: z.literal("prl"),
    tau: z.int().min(1).max(0x7ffffffe).default(50).describe("occurrences that make a page hot"),
    threshold: z
      .enum(["more-than", "at-least"])
      .default("more-than")
      .describe("hot: more than tau times (VEE21 3.4), or at least tau times (VEE21 4)"),
    mu: positive.prefault("30s").describe("time between two looks at the counts"),
    omega: positive
      .optional()
      .describe("time without change that ends the estimation; default 120s"),
    loop: z
      .enum(["vee21", "dw19"])
      .default("vee21")
      .describe("dw19: ends when one interval adds nothing, and has no omega"),
    follow: z
      .enum(FOLLOW)
      .default("none")
      .describe(
        "after the estimate is stable: none, as published; restart with empty counts; or ageing, which forgets what is older than two generations",
      ),
    generation: positive
      .optional()
      .describe("ageing: half of the time that counts are remembered; default: omega"),
    continueWhenStable: z
      .boolean()
      .default(false)
      .describe("follow none: goes on looking with PRL on, as in the published series"),
  })
  .refine(({ loop, omega }) => loop === "vee21" || omega === undefined, {
    path: ["omega"],
    error: "expected no omega with loop dw19",
  })
  .refine(({ mu, omega }) => (omega ?? 0) % mu === 0, {
    path: ["omega"],
    error: "expected a whole multiple of mu",
  })
  .refine(
    ({ loop, mu, omega }) => loop === "dw19" || omega !== undefined || DEFAULT_OMEGA % mu === 0,
    {
      path: ["mu"],
      error: "expected a divisor of omega, which is 120s unless it is given",
    },
  )
  .refine(({ follow, generation }) => follow === "ageing" || generation === undefined, {
    path: ["generation"],
    error: "expected no generation unless follow is ageing",
  })
  .refine(({ mu, generation }) => (generation ?? 0) % mu === 0, {
    path: ["generation"],
    error: "expected a whole multiple of mu",
  })
  .refine(({ follow, continueWhenStable }) => follow === "none" || !continueWhenStable, {
    path: ["continueWhenStable"],
    error: "expected only with follow none: the others go on in any case",
  });

const pml = z.strictObject({
  kind: z.literal("pml"),
  interval,
  clean: z
    .boolean()
    .default(false)
    .describe("begin anew each interval (CLEAN); default: count since the activation (PEEK)"),
});

/** Waldspurger, OSDI'02 5.3. */
const vmware = z
  .strictObject({
    kind: z.literal("vmware"),
    samples: z.int().min(1).max(65536).default(100).describe("pages chosen at random each period"),
    period: positive
      .prefault("30s")
      .describe("length of a sampling period, in time that the VM has run"),
    interval: positive
      .optional()
      .describe("time between two looks at the counter, a part of the period; default: the period"),
    averages: z
      .strictObject({
        slow: gain.default(0.1).describe("gain of the slow moving average; not published"),
        fast: gain.default(0.5).describe("gain of the fast moving average; not published"),
      })
      .optional()
      .describe("take the largest of three moving averages; default: the last period as it is"),
  })
  .refine(({ period, interval }) => period % (interval ?? period) === 0, {
    path: ["interval"],
    error: "expected a divisor of the period",
  })
  .refine(({ averages }) => averages === undefined || averages.slow <= averages.fast, {
    path: ["averages", "slow"],
    error: "expected at most the gain of the fast average",
  });

const accessedBits = z.strictObject({ kind: z.literal("accessedBits"), interval });
const truth = z.strictObject({ kind: z.literal("truth"), interval });

/** What every operation that estimates is told about it. */
export const estimationFields = {
  estimator: z
    .discriminatedUnion("kind", [prl, pml, vmware, accessedBits, truth])
    .describe("how the working-set size is estimated; it decides the tracking technique, too"),
  window: positive
    .optional()
    .describe("T of the true working set W(t, T), whole intervals; default: one interval"),
  kernelFootprint: z
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
    .describe("f, added to every estimate: a size, or found by shrinking a VM (VEE21 3.4)"),
};

export const estimateSchema = z
  .strictObject({
    kind: z.literal("estimate"),
    ...estimationFields,
    loadInterval: positive
      .optional()
      .describe(
        "time between two looks at the load of the pVM's CPUs; default: a tenth of an interval",
      ),
  })
  .describe("estimate the working-set size of each VM while its workload runs");

export type EstimateConfig = z.output<typeof estimateSchema>;
export type EstimatorConfig = EstimateConfig["estimator"];
/** The part of an operation's configuration that estimationFields describes. */
export type EstimationConfig = Pick<EstimateConfig, "estimator" | "window" | "kernelFootprint">;
