/** The authors' own series, and how a run of ours is read beside it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { claimOutcomes } from "../../src/experiments/claims.ts";
import { INTENSITIES, MEDIAN_THROUGHPUT, median } from "../../src/experiments/common.ts";
import type { Row } from "../../src/experiments/experiment.ts";
import { CLAIMS } from "../../src/experiments/study/claims.ts";
import { noiseOf } from "../../src/experiments/study/noise.ts";
import { minimaOf, studyPasses, throughputs } from "../../src/experiments/study/passes.ts";

describe("the study's series", () => {
  it.each(INTENSITIES)("has the published median, and lasts 93 s, at %i %% writes", (intensity) => {
    const passes = studyPasses(intensity, "writeProtect");
    expect(median(throughputs(passes))).toBe(MEDIAN_THROUGHPUT[intensity]);
    expect(passes.at(-1)?.time).toBeGreaterThan(92);
    expect(passes.at(-1)?.time).toBeLessThan(94);
  });

  it("shows when pages are protected: as tracking begins, at each CLEAN, and the suspension", () => {
    const times = minimaOf(studyPasses(100, "writeProtect")).map(({ time }) =>
      Number(time.toFixed(1)),
    );
    expect(times).toEqual([12.3, 24.9, 26.3, 27.6, 28.8, 29.9, 43.5, 55.9, 57.2, 58.4, 59.6, 60.7]);
    expect(minimaOf(studyPasses(50, "writeProtect"))).toHaveLength(12);
    expect(minimaOf(studyPasses(80, "writeProtect"))).toHaveLength(12);
    expect(minimaOf(studyPasses(0, "writeProtect"))).toHaveLength(2);
  });
});

describe("minima", () => {
  it("are where nothing near is lower", () => {
    const passes = [1, 1, 0.5, 0.4, 1, 1, 1, 1, 0.5, 1].map((throughput, i) => ({
      time: i / 5,
      throughput,
    }));
    expect(minimaOf(passes)).toEqual([
      { time: 0.6, depth: 0.4 },
      { time: 1.6, depth: 0.5 },
    ]);
  });

  it("are the same at another scale of time", () => {
    const passes = studyPasses(80, "writeProtect");
    const small = passes.map(({ time, throughput }) => ({ time: time / 32, throughput }));
    expect(minimaOf(small, 32).map(({ depth }) => depth)).toEqual(
      minimaOf(passes).map(({ depth }) => depth),
    );
  });
});

describe("the noise of two series", () => {
  const series = (seed: number, mean: number) =>
    Array.from({ length: 400 }, (_, i) => mean + Math.sin(i * seed) / 10);

  it("holds no effect where there is none, and not where there is one", () => {
    const [low, high] = noiseOf(series(1.3, 1), series(1.7, 1));
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(0);
    const [above] = noiseOf(series(1.3, 1.2), series(1.7, 1));
    expect(above).toBeGreaterThan(15);
  });

  it("does not allow for the gains that the study reports, in its own series", () => {
    for (const intensity of INTENSITIES) {
      const [low, high] = noiseOf(
        throughputs(studyPasses(intensity, "pml")),
        throughputs(studyPasses(intensity, "writeProtect")),
      );
      expect(low).toBeLessThan(-2);
      expect(high).toBeGreaterThan(2);
    }
  });
});

describe("claims", () => {
  const row = ({ emulated = 1.6, values = [emulated], ...more }: Partial<Row>): Row => ({
    experiment: "energy",
    quantity: "power more at 100 % writes than at none, not tracked",
    unit: "W",
    published: 1.5,
    relation: "equals",
    emulated,
    low: emulated,
    high: emulated,
    values,
    plain: 0,
    difference: 0.1,
    verdict: "reproduced",
    scale: "full size",
    reason: null,
    ...more,
  });
  const verdict = (more: Partial<Row>) =>
    claimOutcomes([row(more)]).find(({ claim }) => claim.text.startsWith("power rises"))?.verdict;

  it("hold by what came out, and by what a constant would not give", () => {
    expect(verdict({})).toBe("holds");
    expect(verdict({ plain: 1.5 })).toBe("holds, as it would for a constant");
    expect(verdict({ verdict: "fitted" })).toBe("holds, but fitted");
    expect(verdict({ emulated: 0.1, verdict: "same direction" })).toBe("does not hold");
    expect(verdict({ verdict: "inside the study's noise" })).toBe("cannot be told");
    expect(verdict({ quantity: "another" })).toBe("not run");
  });

  it("hold with every seed, or are left to chance", () => {
    expect(verdict({ values: [1.5, 1.7] })).toBe("holds");
    expect(verdict({ values: [0.1, 1.7] })).toBe("holds with some seeds");
    expect(verdict({ emulated: 0.4, values: [0.1, 0.8] })).toBe("holds with some seeds");
    expect(verdict({ emulated: 0.1, values: [0.1, 0.2] })).toBe("does not hold");
  });

  it.each(CLAIMS.map((claim) => [claim.text, claim] as const))("%s: can fail", (_, claim) => {
    // A claim that is true of whatever comes out is none.
    const number = fc.constantFrom(-1e6, -1, 0, 0.5, 1, 20, 1e6);
    const wrong = fc.sample(fc.tuple(number, number), { numRuns: 50, seed: 1 });
    const rows = (emulated: number, published: number) =>
      [1, 2].map((i) => row({ emulated: emulated * i, published }));
    expect(wrong.some(([emulated, published]) => !claim.holds(rows(emulated, published)))).toBe(
      true,
    );
  });
});
