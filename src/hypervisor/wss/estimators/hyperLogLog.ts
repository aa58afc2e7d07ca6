/** A HyperLogLog sketch of the pages that PRL has logged in the interval: a few KiB in the place of a counter for each page. */
import * as z from "zod";
import { type Estimator, goesOn } from "../estimator.ts";
import { PRECISION_LEAST, PRECISION_MOST } from "../hyperLogLog.ts";
import { interval } from "./interval.ts";

const schema = z.strictObject({
  kind: z.literal("hyperLogLog"),
  interval,
  precision: z
    .int()
    .min(PRECISION_LEAST)
    .max(PRECISION_MOST)
    .default(14)
    .describe("p: 2^p registers of a byte each; the error is 1.04 / sqrt(2^p), 0.81 % of 14"),
});

export interface HyperLogLogRule {
  readonly kind: "hyperLogLog";
  readonly precision: number;
}

export const hyperLogLog = {
  kind: "hyperLogLog",
  title: "HyperLogLog of PRL's log",
  schema,
  technique: () => "prl",
  interval: (config) => config.interval,
  intervalField: "interval",
  rule: ({ precision }) => ({ kind: "hyperLogLog", precision }),
  source: {
    of: "counts",
    least: () => 1,
    ages: () => false,
    isList: () => false,
    sketch: ({ precision }) => precision,
  },
  step: (_rule, before, { pages }) => ({
    ...goesOn({ ...before, estimate: pages }),
    forget: "everything",
  }),
} satisfies Estimator<z.output<typeof schema>, HyperLogLogRule>;
