/** What no estimator can know: Denning's W(t, T). */
import * as z from "zod";
import { countedStep, type Estimator } from "../estimator.ts";
import { interval } from "./interval.ts";

const schema = z.strictObject({ kind: z.literal("truth"), interval });

export interface TruthRule {
  readonly kind: "truth";
}

export const truth = {
  kind: "truth",
  title: "the truth itself",
  schema,
  technique: () => "none",
  interval: (config) => config.interval,
  intervalField: "interval",
  rule: () => ({ kind: "truth" }),
  source: { of: "truth" },
  step: (_rule, before, reading) => countedStep(before, reading),
} satisfies Estimator<z.output<typeof schema>, TruthRule>;
