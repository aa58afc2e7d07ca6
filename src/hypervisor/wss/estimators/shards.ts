/** SHARDS of the pages that PRL logs: a miss-ratio curve each interval, and the memory beyond which nothing more is gained. */
import * as z from "zod";
import { type Estimator, goesOn } from "../estimator.ts";
import { interval } from "./interval.ts";

const schema = z.strictObject({
  kind: z.literal("shards"),
  interval,
  rate: z
    .number()
    .min(1e-6)
    .max(1)
    .default(0.1)
    .describe("R: the part of the pages that is sampled, at the beginning; 1: all, and exact"),
  samples: z
    .int()
    .min(0)
    .max(2 ** 20)
    .default(8192)
    .describe("pages that the sample has at most: R falls as more come (fixed size); 0: no limit"),
  slack: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe(
      "the estimate is the smallest memory whose miss ratio is at most so much above that of unlimited memory",
    ),
  points: z
    .int()
    .min(1)
    .max(4096)
    .default(1024)
    .describe("of the miss-ratio curve, at most; the VM's memory is cut in as many steps"),
  adjust: z
    .boolean()
    .default(true)
    .describe(
      "the first point takes the references that the sample has too few or too many (SHARDS-adj)",
    ),
});

export interface ShardsRule {
  readonly kind: "shards";
  readonly rate: number;
  readonly samples: number;
  readonly slack: number;
  readonly points: number;
  readonly adjust: boolean;
}

export const shards = {
  kind: "shards",
  title: "SHARDS of PRL's log",
  schema,
  technique: () => "prl",
  interval: (config) => config.interval,
  intervalField: "interval",
  rule: ({ rate, samples, slack, points, adjust }) => {
    return { kind: "shards", rate, samples, slack, points, adjust };
  },
  source: {
    of: "counts",
    least: () => 1,
    ages: () => false,
    isList: () => false,
    distances: (rule) => rule,
  },
  step: (_rule, before, { pages }) => ({
    ...goesOn({ ...before, estimate: pages }),
    forget: "everything",
  }),
} satisfies Estimator<z.output<typeof schema>, ShardsRule>;
