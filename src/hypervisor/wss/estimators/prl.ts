/** Hot pages in PRL's cumulative buffer (VEE21 3.4); tau, mu and omega are the paper's, and so are their defaults. */
import * as z from "zod";
import { CYCLES_PER_SECOND, positiveDuration } from "../../../config/units.ts";
import type { Estimator } from "../estimator.ts";
import { FOLLOW, type LoopRule, loopStep } from "../hotPageLoop.ts";

/** omega of VEE21's evaluation. */
const DEFAULT_OMEGA = 120 * CYCLES_PER_SECOND;

/** VEE21 3.3 does not say which; the peaks of its figure 9a grow with the GPAs logged so far, as a list's would. */
const BUFFERS = ["counters", "list"] as const;

const schema = z
  .strictObject({
    kind: z.literal("prl"),
    tau: z.int().min(1).max(0x7ffffffe).default(50).describe("occurrences that make a page hot"),
    threshold: z
      .enum(["more-than", "at-least"])
      .default("more-than")
      .describe("hot: more than tau times (VEE21 3.4), or at least tau times (VEE21 4)"),
    mu: positiveDuration.prefault("30s").describe("time between two looks at the counts"),
    omega: positiveDuration
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
    generation: positiveDuration
      .optional()
      .describe("ageing: half of the time that counts are remembered; default: omega"),
    buffer: z
      .enum(BUFFERS)
      .default("counters")
      .describe(
        "the cumulative buffer's form: a counter for each page; or a list that grows by each GPA, and is gone through at each look",
      ),
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
  .refine(({ follow, buffer }) => follow === "none" || buffer === "counters", {
    path: ["buffer"],
    error: "expected counters unless follow is none: nothing is taken off a list",
  })
  .refine(({ follow, continueWhenStable }) => follow === "none" || !continueWhenStable, {
    path: ["continueWhenStable"],
    error: "expected only with follow none: the others go on in any case",
  });

export interface PrlEstimatorRule extends LoopRule {
  readonly kind: "prl";
  readonly buffer: (typeof BUFFERS)[number];
}

export const prl = {
  kind: "prl",
  title: "PRL",
  schema,
  technique: () => "prl",
  interval: ({ mu }) => mu,
  intervalField: "mu",
  rule({ tau, threshold, mu, loop, follow, buffer, continueWhenStable, ...given }) {
    const omega = loop === "dw19" ? mu : (given.omega ?? DEFAULT_OMEGA);
    return {
      kind: "prl",
      least: threshold === "more-than" ? tau + 1 : tau,
      stableIntervals: omega / mu,
      follow,
      generationIntervals: (given.generation ?? omega) / mu,
      buffer,
      continueWhenStable,
    };
  },
  source: {
    of: "counts",
    least: ({ least }) => least,
    ages: ({ follow }) => follow === "ageing",
    isList: ({ buffer }) => buffer === "list",
  },
  step(rule, before, { pages }) {
    const { progress: prl, stable, ends, forget } = loopStep(rule, before.prl, pages);
    return { progress: { ...before, prl, estimate: prl.estimate }, stable, ends, forget };
  },
} satisfies Estimator<z.output<typeof schema>, PrlEstimatorRule>;
