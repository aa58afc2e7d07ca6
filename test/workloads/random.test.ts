import { describe, expect, it } from "vitest";
import { Permutation } from "../../workloads/permutation.ts";
import { power } from "../../workloads/power.ts";
import { deriveSeed, oddsOf, Random } from "../../workloads/random.ts";
import { binomial } from "./helpers.ts";

describe("random numbers", () => {
  it("are those of xoshiro128** as published", () => {
    const random = new Random(0);
    random.state.set([1, 2, 3, 4]);
    const known = [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849];
    expect(known.map(() => random.next())).toEqual(known);
  });

  it("differ for neighbouring seeds and for seeds that differ above 32 bits", () => {
    const first = [0, 1, 2, 2 ** 32, 2 ** 33, 2 ** 52].map((seed) => new Random(seed).next());
    expect(new Set(first).size).toBe(first.length);
  });

  it.each([1, 2, 3, 7, 100, 1000])("below(%i) is even and never out of range", (n) => {
    const random = new Random(n);
    const draws = 20_000;
    const seen = new Array<number>(n).fill(0);
    for (let i = 0; i < draws; i++) seen[random.below(n)]!++;
    expect(seen.every((count) => binomial(count, draws, 1 / n))).toBe(true);
  });

  it("below(n) is exactly even where whole draws would not be", () => {
    // For n = 3 * 2^30, multiplying without a refusal would give a third of the numbers twice.
    const random = new Random(5);
    const n = 3 * 2 ** 30;
    const thirds = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) {
      const draw = random.below(n);
      expect(draw).toBeLessThan(n);
      thirds[draw % 3]!++;
    }
    for (const count of thirds) expect(binomial(count, 30_000, 1 / 3)).toBe(true);
  });

  it.each([0, 0.01, 0.5, 0.99, 1])("chance and bit are true with probability %d", (probability) => {
    const random = new Random(9);
    const odds = oddsOf(probability);
    let chances = 0;
    let bits = 0;
    for (let i = 0; i < 50_000; i++) {
      if (random.chance(probability)) chances++;
      bits += random.bit(odds);
    }
    expect(binomial(chances, 50_000, probability)).toBe(true);
    expect(binomial(bits, 50_000, probability)).toBe(true);
  });

  it("fractions fill 0 to 1", () => {
    const random = new Random(1);
    let below = 0;
    for (let i = 0; i < 10_000; i++) {
      const fraction = random.fraction();
      expect(fraction).toBeGreaterThanOrEqual(0);
      expect(fraction).toBeLessThan(1);
      if (fraction < 0.25) below++;
    }
    expect(binomial(below, 10_000, 0.25)).toBe(true);
  });

  it("derived seeds depend on the seed and on the name", () => {
    expect(deriveSeed(1, "a")).toBe(deriveSeed(1, "a"));
    expect(deriveSeed(1, "a")).not.toBe(deriveSeed(1, "b"));
    expect(deriveSeed(1, "a")).not.toBe(deriveSeed(2, "a"));
    expect(deriveSeed(1, "a")).not.toBe(deriveSeed(1 + 2 ** 40, "a"));
  });
});

describe("a permutation", () => {
  it.each([1, 2, 3, 5, 64, 65, 1000, 4097])("of %i numbers has each once", (size) => {
    for (const seed of [0, 1, 77]) {
      const permutation = new Permutation(size, seed);
      const seen = new Set<number>();
      for (let i = 0; i < size; i++) seen.add(permutation.at(i));
      expect(seen.size).toBe(size);
      expect(Math.max(...seen)).toBe(size - 1);
      expect(Math.min(...seen)).toBe(0);
    }
  });

  it("puts neighbours apart", () => {
    const permutation = new Permutation(100_000, 3);
    let adjacent = 0;
    for (let i = 0; i < 1000; i++) {
      if (Math.abs(permutation.at(i) - permutation.at(i + 1)) < 10) adjacent++;
    }
    expect(adjacent).toBeLessThan(10);
  });
});

describe("powers", () => {
  it("agree with Math.pow to 12 digits", () => {
    for (const base of [0.5, 1, 1.5, 2, 10, 12345, 2 ** 30]) {
      for (const exponent of [-10, -2.5, -1, -0.3, 0, 0.7, 1, 3]) {
        const exact = base ** exponent;
        expect(Math.abs(power(base, exponent) / exact - 1)).toBeLessThan(1e-12);
      }
    }
  });
});
