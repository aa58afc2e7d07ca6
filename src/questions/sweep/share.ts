/** From points that were run to a result, and from the results of shares to the whole. */
import { itemAt } from "../../lookup.ts";
import { combine } from "../../shares/combine.ts";
import type { Shard } from "../../shares/shard.ts";
import type { SweepPlan } from "./plan.ts";
import { pointText } from "./points.ts";
import { type PointResult, RESULT_FORMAT, RESULT_VERSION, type SweepResult } from "./result.ts";

/** @param code the version of the program that did the runs; @param shard null: all points */
export function resultOf(
  plan: SweepPlan,
  points: readonly PointResult[],
  code: string,
  shard: Shard | null,
): SweepResult {
  const { digest, name, fields, seeds, metrics } = plan;
  return {
    format: RESULT_FORMAT,
    version: RESULT_VERSION,
    code,
    sweep: {
      digest,
      scenario: name,
      points: plan.points.length,
      fields: [...fields],
      seeds: seeds === null ? null : [...seeds],
      metrics: metrics.map(({ name: metric, unit, what }) => ({ name: metric, unit, what })),
    },
    shard,
    points: [...points],
  };
}

/** A result and where it was read. */
export interface ReadResult {
  readonly file: string;
  readonly result: SweepResult;
}

/**
 * The whole from its shares.
 * @throws UserError if they are of different sweeps or programs, differ in a point, or leave one out
 */
export function mergeResults(read: readonly ReadResult[]): SweepResult {
  const parts = read.map(({ file, result: { code, sweep, shard, points: items } }) => {
    return { file, code, digest: sweep.digest, head: sweep, count: sweep.points, shard, items };
  });
  const points = combine(parts, { work: "sweep", item: "point", told: pointText });
  return { ...itemAt(read, 0).result, shard: null, points };
}
