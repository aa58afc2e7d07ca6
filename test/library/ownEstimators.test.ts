/** Estimators of users: plain functions that runs can be repeated with, and that are refused by name where they cannot. */
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  FieldError,
  type OwnEstimator,
  registerEstimator,
  UserError,
} from "../../src/library/index.ts";
import { RunIdentity } from "../../src/runs/runIdentity.ts";
import type { EstimateResult } from "../../src/system/operations/estimate/estimateResult.ts";
import { keepLaws } from "../laws/runLaws.ts";
import { scenarioOf } from "../laws/samples.ts";

const counted: Omit<OwnEstimator, "kind"> = {
  technique: "accessedDirtyScan",
  step: ({ pages }) => ({ estimate: pages }),
};

/** A run with an estimator of that kind. */
function estimating(kind: string, fields: object = {}) {
  const estimator = { kind, interval: "300us", ...fields };
  return scenarioOf({ operation: { kind: "estimate", estimator }, until: "3ms" });
}

function seriesOf(kind: string, fields?: object): (number | null)[] {
  const { operation } = keepLaws(estimating(kind, fields));
  const [vm] = (operation as EstimateResult).vms;
  return vm?.series.map(({ pages }) => pages) ?? [];
}

describe("an estimator of one's own", () => {
  beforeAll(() => {
    registerEstimator({ kind: "counted", ...counted });
    registerEstimator({
      ...counted,
      kind: "mean",
      title: "mean of all looks",
      parameters: { weight: z.number().min(0).max(1).default(0.5) },
      step({ pages, parameters, memory }) {
        const sum = (memory?.sum ?? 0) + Number(parameters["weight"]) * pages;
        const looks = (memory?.looks ?? 0) + 1;
        return { estimate: sum / looks, memory: { sum, looks }, ends: looks === 4 };
      },
    });
  });

  it("that takes the count as it is estimates what the built-in one does, in the same run", () => {
    expect(seriesOf("counted")).toEqual(seriesOf("accessedBits"));
  });

  it("remembers from look to look, and ends; a run of it can be saved, restored and replayed", () => {
    const plain = seriesOf("counted").slice(0, 4).map(Number);
    const sums = plain.map((_, i) => plain.slice(0, i + 1).reduce((a, b) => a + b, 0));
    expect(seriesOf("mean", { weight: 1 })).toEqual(
      sums.map((sum, i) => Math.round(sum / (i + 1))),
    );
  });

  it("has its fields checked like all others", () => {
    expect(() => estimating("mean", { weight: 2 })).toThrow("weight");
    expect(() => estimating("mean", { wait: 2 })).toThrow("wait");
    expect(() => estimating("mean", { interval: "0s" })).toThrow("above 0");
  });

  it("registered by the program itself is no part of a run in another thread", () => {
    expect(() => new RunIdentity().of({ scenario: estimating("mean"), directory: "." })).toThrow(
      "estimator mean: was registered in this thread alone",
    );
  });
});

describe("is refused in one line", () => {
  it.each<readonly [Partial<OwnEstimator>, string]>([
    [{ kind: "prl" }, 'estimator "prl": there is one of this kind already'],
    [{ kind: "a b" }, 'estimator "a b": expected letters, digits, - and _'],
    [{ parameters: { interval: z.int() } }, 'the field "interval" is one of every estimator'],
    [{ technique: "none" }, 'technique "none" counts no pages'],
    [{ technique: "pmll" as never }, 'there is no technique "pmll"; did you mean "pml"?'],
  ])("one that is registered with %j", (wrong, message) => {
    expect(() => registerEstimator({ kind: "wrong", ...counted, ...wrong })).toThrow(message);
  });

  let calls = 0;
  it.each<readonly [string, OwnEstimator["step"], string]>([
    ["is asked twice and differs", () => ({ estimate: calls++ }), "does not answer the same"],
    ["estimates less than nothing", () => ({ estimate: -1 }), "estimate: "],
    ["returns nothing", () => undefined as never, "answer: "],
    ["has an answer too many", () => ({ estimate: 1, end: true }) as never, "end"],
    ["keeps what is no plain data", () => ({ estimate: 1, memory: new Map() }), "memory"],
    [
      "keeps too much",
      () => ({ estimate: 1, memory: "x".repeat(1e5) }),
      "memory: expected at most",
    ],
    [
      "changes its fields",
      ({ parameters }) => ({ estimate: Object.keys(Object.assign(parameters, { a: 1 })).length }),
      "not extensible",
    ],
    [
      "throws",
      () => {
        throw new Error("too hot");
      },
      "too hot",
    ],
  ])("one whose step %s", (name, step, message) => {
    const kind = `bad-${name.replaceAll(" ", "-")}`;
    registerEstimator({ ...counted, kind, step });
    const run = () => keepLaws(estimating(kind));
    expect(run).toThrow(UserError);
    expect(run).not.toThrow(FieldError);
    expect(run).toThrow(`estimator "${kind}": step: `);
    expect(run).toThrow(message);
  });
});
