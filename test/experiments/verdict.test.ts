/** The rules by which a published figure and an emulated one are compared. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compare, type Published, type Verdict } from "../../src/experiments/verdict.ts";

describe("verdicts", () => {
  it.each<[string, Published | null, number, Verdict]>([
    ["equal", { value: 10 }, 10, "reproduced"],
    ["10 % off", { value: 10 }, 11, "reproduced"],
    ["more than 10 % off", { value: 10 }, 11.01, "near"],
    ["within the precision it is known to", { value: 1, within: 0.5 }, 1.5, "reproduced"],
    ["half", { value: 10 }, 5, "near"],
    ["twice", { value: 10 }, 20, "near"],
    ["less than half", { value: 10 }, 4.9, "same direction"],
    ["more than twice", { value: 10 }, 20.1, "same direction"],
    ["the other sign", { value: 10 }, -10, "differs"],
    ["nothing where there was something", { value: 10 }, 0, "differs"],
    ["something where there was nothing", { value: 0 }, 0.1, "differs"],
    ["nothing where there was nothing", { value: 0 }, 0, "reproduced"],
    ["both negative", { value: -10 }, -10.5, "reproduced"],
    ["below a bound", { value: 1.5, relation: "at most" }, 0.01, "reproduced"],
    [
      "on the other side of zero, below a bound",
      { value: 1.5, relation: "at most" },
      -3,
      "reproduced",
    ],
    ["twice a bound", { value: 1.5, relation: "at most" }, 3, "near"],
    ["far above a bound", { value: 1.5, relation: "at most" }, 4, "same direction"],
    ["no value came out", { value: 1 }, Number.NaN, "differs"],
    ["what was fitted, and fits", { value: 10, fitted: true }, 10.5, "fitted"],
    ["what was fitted, and does not fit", { value: 10, fitted: true }, 15, "near"],
    ["no published figure", null, 3, "not published"],
  ])("%s", (_, published, emulated, verdict) => {
    expect(compare(published, emulated).verdict).toBe(verdict);
  });

  it("do not depend on the unit", () => {
    const value = fc.integer({ min: -1000, max: 1000 });
    const within = fc.integer({ min: 0, max: 10 });
    // Powers of two, so that scaling does not round.
    const exponent = fc.integer({ min: -20, max: 20 });
    fc.assert(
      fc.property(value, value, within, exponent, (published, emulated, known, power) => {
        const unit = 2 ** power;
        const one = compare({ value: published, within: known }, emulated).verdict;
        const other = compare({ value: published * unit, within: known * unit }, emulated * unit);
        return one === other.verdict;
      }),
      { numRuns: 2000 },
    );
  });

  it("the difference is what came out less what was published", () => {
    expect(compare({ value: 8 }, 10).difference).toBe(2);
    expect(compare(null, 10).difference).toBeNull();
  });
});
