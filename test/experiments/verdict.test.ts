/** The rules by which a published figure and an emulated one are compared. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compare, type Published, type Verdict } from "../../src/experiments/verdict.ts";

describe("verdicts", () => {
  it.each<[string, (Omit<Published, "plain"> & Partial<Published>) | null, number, Verdict]>([
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
    ["what a constant gives as well", { value: 10, plain: 9.5 }, 10, "explained by a constant"],
    ["what a constant does not give", { value: 10, plain: 8 }, 10, "reproduced"],
    [
      "a bound that nothing keeps too",
      { value: 2, relation: "at most", plain: 0 },
      1,
      "explained by a constant",
    ],
    ["what a constant gives, and the model does not", { value: 10, plain: 10 }, 14, "near"],
    ["what was fitted, and a constant gives", { value: 10, plain: 10, fitted: true }, 10, "fitted"],
    [
      "an effect that the study cannot tell from none",
      { value: 1, noise: [-2, 3] },
      2.5,
      "inside the study's noise",
    ],
    ["the same, but ours is outside", { value: 1, noise: [-2, 3] }, 3.5, "same direction"],
    ["an effect that the study can tell from none", { value: 2, noise: [1, 3] }, 2.9, "near"],
  ])("%s", (_, published, emulated, verdict) => {
    const known = published === null ? null : { plain: null, ...published };
    expect(compare(known, [emulated]).verdict).toBe(verdict);
  });

  it("no figure is reproduced if the plain model reproduces it, whatever came out", () => {
    const number = fc.double({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(number, number, number, fc.boolean(), (value, emulated, plain, isBound) => {
        const published = { value, plain, relation: isBound ? "at most" : "equals" } as const;
        const { verdict } = compare(published, [emulated]);
        const own = compare({ ...published, plain: null }, [emulated]).verdict;
        const other = compare({ ...published, plain: null }, [plain]).verdict;
        if (verdict === "reproduced") return own === "reproduced" && other !== "reproduced";
        return own !== "reproduced" || other === "reproduced";
      }),
    );
  });

  it("do not depend on the unit", () => {
    const value = fc.integer({ min: -1000, max: 1000 });
    const within = fc.integer({ min: 0, max: 10 });
    // Powers of two, so that scaling does not round.
    const exponent = fc.integer({ min: -20, max: 20 });
    fc.assert(
      fc.property(value, value, within, exponent, (published, emulated, known, power) => {
        const unit = 2 ** power;
        const one = compare({ value: published, within: known, plain: null }, [emulated]).verdict;
        const other = compare({ value: published * unit, within: known * unit, plain: null }, [
          emulated * unit,
        ]);
        return one === other.verdict;
      }),
      { numRuns: 2000 },
    );
  });

  it("the difference is what came out less what was published", () => {
    expect(compare({ value: 8, plain: null }, [10]).difference).toBe(2);
    expect(compare(null, [10]).difference).toBeNull();
  });

  it.each<[string, readonly number[], Verdict]>([
    ["the whole interval is near enough", [10.1, 10.2, 10.3], "reproduced"],
    ["the mean is, an end of the interval is not", [8.5, 10, 11.5], "near"],
    ["an end is further away than a factor of 2", [5, 5.5, 6], "same direction"],
    ["the interval holds zero", [-1, 10, 20], "differs"],
    ["with one seed nothing came out", [10, Number.NaN, 10], "differs"],
  ])("of several seeds: %s", (_, values, verdict) => {
    expect(compare({ value: 10, plain: null }, values).verdict).toBe(verdict);
  });

  it("the interval is Student's: of 9, 10, 11 it is 10 and 2.48 to either side", () => {
    const { emulated, low, high } = compare(null, [9, 10, 11]);
    expect(emulated).toBe(10);
    expect(high - emulated).toBeCloseTo(4.303 / Math.sqrt(3), 3);
    expect(emulated - low).toBeCloseTo(4.303 / Math.sqrt(3), 3);
  });

  it("of several seeds no figure is reproduced whose interval holds what a constant gives", () => {
    const number = fc.double({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(
        number,
        fc.array(number, { minLength: 2, maxLength: 5 }),
        number,
        (value, values, part) => {
          const { low, high } = compare(null, values);
          const plain = low + (high - low) * (Math.abs(part) / 100);
          return compare({ value, plain }, values).verdict !== "reproduced";
        },
      ),
    );
  });
});
