/** Shares of a sweep, put together: what does not belong together is refused. */
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { parseResult } from "../../src/questions/sweep/readResult.ts";
import {
  pointResult,
  RESULT_FORMAT,
  RESULT_VERSION,
  type SweepResult,
} from "../../src/questions/sweep/result.ts";
import { mergeResults } from "../../src/questions/sweep/share.ts";
import { isOfShard } from "../../src/shares/shard.ts";

const METRICS = [{ name: "exits", unit: "", what: "VM exits" }];
const COUNT = 7;

/** @param shard null: the whole */
function result(shard: SweepResult["shard"]): SweepResult {
  const indexes = Array.from({ length: COUNT }, (_, index) => index);
  const own = indexes.filter((index) => shard === null || isOfShard(index, shard));
  return {
    format: RESULT_FORMAT,
    version: RESULT_VERSION,
    code: "c".repeat(32),
    sweep: {
      digest: "d".repeat(32),
      scenario: "small",
      points: COUNT,
      fields: ["machine.cpus"],
      seeds: [1, 2],
      metrics: METRICS,
    },
    shard,
    points: own.map((index) => {
      const runs = [1, 2].map((seed) => ({
        seed,
        measures: { exits: 10 * index + seed },
        failures: [],
      }));
      return pointResult({ index, values: { "machine.cpus": index } }, runs, METRICS);
    }),
  };
}

const SHARES = [1, 2, 3].map((index) => result({ index, count: 3 }));
const readAll = (...results: unknown[]) =>
  results.map((one, n) => parseResult(`part${n + 1}.json`, JSON.stringify(one)));

describe("merge", () => {
  it("gives the whole, whatever the order, and whatever is there twice", () => {
    const [one, two, three] = SHARES;
    for (const given of [SHARES, [three, one, two], [one, one, two, three, two]]) {
      expect(JSON.stringify(mergeResults(readAll(...given)))).toBe(JSON.stringify(result(null)));
    }
  });

  it("says which points and shares are missing", () => {
    const [one, two, three] = SHARES;
    expect(() => mergeResults(readAll(one, three))).toThrow(
      /^2 of 7 points are missing: 1, 4 \(no file of --shard 2\/3\)$/,
    );
    expect(() => mergeResults(readAll(two))).toThrow(
      /^5 of 7 points are missing: 0, 2, 3, 5, 6 \(no file of --shard 1\/3, 3\/3\)$/,
    );
  });

  it("refuses results of another sweep, of another program, and such as differ", () => {
    const [first] = SHARES;
    const { code, sweep, ...rest } = first!;
    const foreign = { ...rest, code, sweep: { ...sweep, digest: "0".repeat(32) } };
    const newer = { ...rest, code: "0".repeat(32), sweep };
    const renamed = { ...rest, code, sweep: { ...sweep, scenario: "other" } };
    const shorter = { ...rest, code, sweep: { ...sweep, points: COUNT - 1 } };
    const more = { exits: 1 };
    const differs = {
      ...rest,
      ...{ code, sweep },
      points: first!.points.map((point) => {
        return pointResult(
          point,
          point.runs.map((run) => ({ ...run, measures: more })),
          METRICS,
        );
      }),
    };
    for (const [other, said] of [
      [foreign, /^part1.json and part4.json are of different sweeps$/],
      [newer, /^part1.json and part4.json were made by different versions of the program$/],
      [renamed, /say different things of one sweep/],
      [shorter, /say different things of one sweep/],
      [differs, /^part1.json and part4.json differ in point 0 \(machine.cpus=0\)/],
    ] as const) {
      const merge = () => mergeResults(readAll(...SHARES, other));
      expect(merge).toThrow(said);
      expect(merge).toThrow(UserError);
    }
    expect(() => mergeResults(readAll(shorter))).toThrow(
      /^part1.json: has point 6, of a sweep of 6 points$/,
    );
  });
});

describe("a result file", () => {
  it.each([
    ["", /^x.json: not JSON/],
    ["{}", /^x.json: not a result of trackvisor sweep/],
    [JSON.stringify(SHARES[0]).slice(0, 200), /not JSON/],
    [JSON.stringify({ ...SHARES[0], version: 2 }), /of version 2, this program reads version 1/],
    [JSON.stringify({ ...SHARES[0], points: 1 }), /points: .*expected array/],
    [JSON.stringify({ ...SHARES[0], more: 1 }), /more: unknown field/],
    [JSON.stringify(SHARES[0]).replace(/"means":{"exits":/, "$&1"), /means that its runs do not/],
  ])("%j is refused", (text, said) => {
    expect(() => parseResult("x.json", text)).toThrow(said);
    expect(() => parseResult("x.json", text)).toThrow(UserError);
  });
});
