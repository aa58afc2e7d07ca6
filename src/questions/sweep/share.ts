/** From points that were run to a result, and from the results of shares to the whole. */
import { UserError } from "../../errors.ts";
import type { SweepPlan } from "./plan.ts";
import { pointText } from "./points.ts";
import { type PointResult, RESULT_FORMAT, RESULT_VERSION, type SweepResult } from "./result.ts";
import type { Shard } from "./shard.ts";

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

/** Points that a message names. */
const NAMED_MAX = 5;

/**
 * The whole from its shares. Runs are deterministic: a point that is in two files must be the same in both.
 * @throws UserError if they are of different sweeps or programs, differ in a point, or leave one out
 */
export function mergeResults(read: readonly ReadResult[]): SweepResult {
  const [first, ...others] = read;
  if (first === undefined) throw new UserError("expected results to merge");
  for (const other of others) refuseForeign(first, other);
  const { points: count } = first.result.sweep;
  const merged = new Map<number, { readonly point: PointResult; readonly file: string }>();
  for (const { file, result } of read) {
    for (const point of result.points) {
      if (point.index >= count) {
        throw new UserError(`${file}: has point ${point.index}, of a sweep of ${count} points`);
      }
      const before = merged.get(point.index);
      if (before === undefined) {
        merged.set(point.index, { point, file });
      } else if (JSON.stringify(before.point) !== JSON.stringify(point)) {
        throw new UserError(
          `${before.file} and ${file} differ in point ${point.index} (${pointText(point)}); a run has one result, so one of them is damaged`,
        );
      }
    }
  }
  const all = Array.from({ length: count }, (_, index) => index);
  const missing = all.filter((index) => !merged.has(index));
  if (missing.length > 0) {
    const named = missing.slice(0, NAMED_MAX).join(", ");
    const more = missing.length > NAMED_MAX ? `, and ${missing.length - NAMED_MAX} more` : "";
    throw new UserError(
      `${missing.length} of ${count} points are missing: ${named}${more}${sharesMissing(read)}`,
    );
  }
  const points = all.flatMap((index) => merged.get(index)?.point ?? []);
  return { ...first.result, shard: null, points };
}

function refuseForeign(first: ReadResult, other: ReadResult): void {
  const where = `${first.file} and ${other.file}`;
  const [one, two] = [first.result, other.result];
  if (one.sweep.digest !== two.sweep.digest) {
    throw new UserError(`${where} are of different sweeps`);
  }
  if (one.code !== two.code) {
    throw new UserError(`${where} were made by different versions of the program`);
  }
  // The same digest: else somebody has changed what a file says of itself.
  if (JSON.stringify(one.sweep) !== JSON.stringify(two.sweep)) {
    throw new UserError(`${where} say different things of one sweep; one of them is damaged`);
  }
}

/** Which shares are not there, if all that are there are of one split. */
function sharesMissing(read: readonly ReadResult[]): string {
  const shards = read.map(({ result }) => result.shard);
  const [first] = shards;
  if (first === undefined || first === null) return "";
  const { count } = first;
  if (shards.some((shard) => shard === null || shard.count !== count)) return "";
  const there = new Set(shards.map((shard) => shard?.index));
  const missing = Array.from({ length: count }, (_, n) => n + 1).filter((n) => !there.has(n));
  if (missing.length === 0) return "";
  const named = missing
    .slice(0, NAMED_MAX)
    .map((n) => `${n}/${count}`)
    .join(", ");
  return ` (no file of --shard ${named}${missing.length > NAMED_MAX ? " and others" : ""})`;
}
