/** Pages that PML logged: since the activation (VEE21 2.4, slide 9), or with `clean` in the interval. */
import * as z from "zod";
import { countedStep, type Estimator } from "../estimator.ts";
import { interval } from "./interval.ts";

const schema = z.strictObject({
  kind: z.literal("pml"),
  interval,
  clean: z
    .boolean()
    .default(false)
    .describe("begin anew each interval (CLEAN); default: count since the activation (PEEK)"),
});

export interface PmlRule {
  readonly kind: "pml";
  readonly clean: boolean;
}

export const pml = {
  kind: "pml",
  title: "PML",
  schema,
  technique: () => "pml",
  interval: (config) => config.interval,
  intervalField: "interval",
  rule: ({ clean }) => ({ kind: "pml", clean }),
  source: { of: "harvests", mode: ({ clean }) => (clean ? "clean" : "peek"), pausesVm: true },
  step: (_rule, before, reading) => countedStep(before, reading),
} satisfies Estimator<z.output<typeof schema>, PmlRule>;
