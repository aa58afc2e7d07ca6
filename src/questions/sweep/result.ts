/** What came of a sweep, or of a share of it: the format of its files, and the numbers of each point. */
import * as z from "zod";
import { halfWidth, moments } from "../statistics.ts";

/** Raised when a field changes its meaning or goes. */
export const RESULT_VERSION = 1;
export const RESULT_FORMAT = "trackvisor sweep";

const shown = z.union([z.string(), z.number(), z.boolean()]);
const measured = z.record(z.string(), z.number().nullable());
const digest = z.string().regex(/^[0-9a-f]{32}$/);

const run = z.strictObject({
  seed: z.int(),
  measures: measured.describe("by metric; null: the run has no such number"),
  failures: z
    .array(z.string())
    .describe("what went wrong in it, a sentence each (docs/verdict.md)"),
});

const point = z.strictObject({
  index: z.int().min(0).describe("its place among all points of the sweep"),
  values: z.record(z.string(), shown).describe("of the fields that are varied"),
  runs: z.array(run).min(1).describe("one for each seed, in their order"),
  means: measured.describe("over the runs; null: at least one has no such number"),
  intervals: measured.describe("half the width of the 95 % interval of each mean; 0 with one run"),
});

export const sweepResultSchema = z
  .strictObject({
    format: z.literal(RESULT_FORMAT),
    version: z.literal(RESULT_VERSION),
    code: digest.describe("of the program that did the runs"),
    sweep: z
      .strictObject({
        digest: digest.describe("of all that the sweep asks for: runs, fields, metrics"),
        scenario: z.string().describe("its name"),
        points: z.int().min(1).describe("how many the whole sweep has"),
        fields: z.array(z.string()).min(1).describe("that are varied, in the order of the columns"),
        seeds: z.array(z.int()).nullable().describe("null: the scenario's own"),
        metrics: z
          .array(z.strictObject({ name: z.string(), unit: z.string(), what: z.string() }))
          .min(1),
      })
      .describe("what was asked for"),
    shard: z
      .strictObject({ index: z.int().min(1), count: z.int().min(1) })
      .nullable()
      .describe("which share of the points this is; null: all of them"),
    points: z.array(point).describe("in the order of their index"),
  })
  .describe("the result of `trackvisor sweep` (docs/sweep.md)");

export type SweepResult = z.infer<typeof sweepResultSchema>;
export type PointResult = SweepResult["points"][number];
export type RunResult = PointResult["runs"][number];
export type SweepHead = SweepResult["sweep"];

/** Means and intervals follow from the runs. */
export function pointResult(
  { index, values }: Pick<PointResult, "index" | "values">,
  runs: readonly RunResult[],
  metrics: readonly { readonly name: string }[],
): PointResult {
  const each = (of: (numbers: readonly number[]) => number): Record<string, number | null> => {
    const entries = metrics.map(({ name }): [string, number | null] => {
      const numbers = runs.map(({ measures }) => measures[name] ?? null);
      const known = numbers.filter((value) => value !== null);
      return [name, known.length < numbers.length ? null : of(known)];
    });
    return Object.fromEntries(entries);
  };
  const means = each((numbers) => moments(numbers).mean);
  return { index, values, runs: [...runs], means, intervals: each(halfWidth) };
}

/** The JSON Schema of a result, as text: docs/sweep.schema.json. */
export function resultJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(sweepResultSchema), null, 2)}\n`;
}
