/** Pages whose A flag was set in the interval. */
import * as z from "zod";
import { countedStep, type Estimator } from "../estimator.ts";
import { interval } from "./interval.ts";

const schema = z.strictObject({ kind: z.literal("accessedBits"), interval });

export interface AccessedBitsRule {
  readonly kind: "accessedBits";
}

export const accessedBits = {
  kind: "accessedBits",
  title: "accessed flags",
  schema,
  technique: () => "accessedDirtyScan",
  interval: (config) => config.interval,
  intervalField: "interval",
  rule: () => ({ kind: "accessedBits" }),
  source: { of: "harvests", mode: () => "clean", pausesVm: false },
  step: (_rule, before, reading) => countedStep(before, reading),
} satisfies Estimator<z.output<typeof schema>, AccessedBitsRule>;
