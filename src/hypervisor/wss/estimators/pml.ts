/** Pages that a log of first writes holds: since the activation (VEE21 2.4, slide 9), or with `clean` in the interval. PML's, or another unit's. */
import * as z from "zod";
import { WRITE_LOGS } from "../../../units/all.ts";
import { countedStep, type Estimator } from "../estimator.ts";
import { interval } from "./interval.ts";

const schema = z.strictObject({
  kind: z.literal("pml"),
  interval,
  clean: z
    .boolean()
    .default(false)
    .describe("begin anew each interval (CLEAN); default: count since the activation (PEEK)"),
  unit: z
    .enum(WRITE_LOGS)
    .optional()
    .describe(`whose log it is (docs/units.md); default: ${WRITE_LOGS[0]}`),
});

type UnitName = (typeof WRITE_LOGS)[number];

export interface PmlRule {
  readonly kind: "pml";
  readonly clean: boolean;
  /** Absent: the first one's. */
  readonly unit?: UnitName;
}

export const pml = {
  kind: "pml",
  title: "PML",
  schema,
  technique: ({ unit }) => unit ?? "pml",
  interval: (config) => config.interval,
  intervalField: "interval",
  rule: ({ clean, unit }) => ({ kind: "pml", clean, ...(unit === undefined ? {} : { unit }) }),
  source: { of: "harvests", mode: ({ clean }) => (clean ? "clean" : "peek"), pausesVm: true },
  step: (_rule, before, reading) => countedStep(before, reading),
} satisfies Estimator<z.output<typeof schema>, PmlRule>;
