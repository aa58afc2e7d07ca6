/** Random samples (Waldspurger, OSDI'02 5.3). */
import * as z from "zod";
import { positiveDuration } from "../../../config/units.ts";
import { type Estimator, goesOn, type Progress, type Reading } from "../estimator.ts";
import { averageOf, type Gains, largestAverage } from "../movingAverages.ts";

const gain = z.number().gt(0).max(1);

const schema = z
  .strictObject({
    kind: z.literal("vmware"),
    samples: z.int().min(1).max(65536).default(100).describe("pages chosen at random each period"),
    period: positiveDuration
      .prefault("30s")
      .describe("length of a sampling period, in time that the VM has run"),
    interval: positiveDuration
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

export interface VmwareRule {
  readonly kind: "vmware";
  readonly samples: number;
  readonly vmPages: number;
  /** Intervals, that is looks, in a sampling period. */
  readonly looksPerPeriod: number;
  /** Null: the last period's fraction as it is. */
  readonly gains: Gains | null;
}

type Config = z.output<typeof schema>;

function intervalOf({ interval, period }: Config): number {
  return interval ?? period;
}

function endsPeriod({ looksPerPeriod }: VmwareRule, interval: number): boolean {
  return interval % looksPerPeriod === 0;
}

function progressOf(rule: VmwareRule, before: Progress, { pages, interval }: Reading): Progress {
  const { gains, samples, vmPages } = rule;
  const fraction = pages / samples;
  const estimateOf = (part: number): number => Math.round(part * vmPages);
  if (gains === null) {
    // Between two periods' ends the last estimate holds.
    return endsPeriod(rule, interval) ? { ...before, estimate: estimateOf(fraction) } : before;
  }
  if (!endsPeriod(rule, interval)) {
    const estimate = estimateOf(largestAverage(gains, before.averages, fraction));
    return { ...before, estimate };
  }
  const averages = averageOf(gains, before.averages, fraction);
  return { ...before, averages, estimate: estimateOf(largestAverage(gains, averages, 0)) };
}

export const vmware = {
  kind: "vmware",
  title: "sampling (VMware)",
  schema,
  technique: () => "presentBit",
  interval: intervalOf,
  intervalField: "interval",
  rule(config, vmPages) {
    const { samples, averages, period } = config;
    const looksPerPeriod = period / intervalOf(config);
    return { kind: "vmware", samples, vmPages, looksPerPeriod, gains: averages ?? null };
  },
  source: {
    of: "harvests",
    mode: (rule, interval) => (endsPeriod(rule, interval) ? "clean" : "peek"),
    pausesVm: false,
  },
  sampling: {
    samples: ({ samples }) => samples,
    vmPages: ({ vmPages }) => vmPages,
    endsPeriod,
  },
  step: (rule, before, reading) => goesOn(progressOf(rule, before, reading)),
} satisfies Estimator<Config, VmwareRule>;
