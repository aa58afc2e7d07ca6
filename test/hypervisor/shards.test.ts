/** SHARDS against exact LRU, on its own sample, and on a cyclic scan. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryWithin } from "../../src/hypervisor/wss/missRatios.ts";
import {
  SHARDS_MODULUS,
  Shards,
  type ShardsSettings,
  shardsHash,
} from "../../src/hypervisor/wss/shards.ts";

const PAGES = 64;

function shardsWith(settings: Partial<ShardsSettings>, hash?: (page: number) => number): Shards {
  const all = { threshold: SHARDS_MODULUS, most: 0, pages: PAGES, buckets: 1e6, adjusts: false };
  return new Shards("shards", { ...all, ...settings }, hash);
}

/** Misses of an LRU memory of some size, played. */
function missesOf(size: number, references: readonly number[]): number {
  const held: number[] = [];
  let misses = 0;
  for (const page of references) {
    const at = held.indexOf(page);
    if (at >= 0) held.splice(at, 1);
    else misses++;
    held.unshift(page);
    held.length = Math.min(held.length, size);
  }
  return misses;
}

function ratioAt(shards: Shards, pages: number): number {
  return shards.curve().findLast((point) => point.pages <= pages)?.ratio ?? 1;
}

function cyclicScan(shards: Shards, pages: number, passes: number): void {
  for (let pass = 0; pass < passes; pass++) for (let i = 0; i < pages; i++) shards.note(i);
}

describe("SHARDS", () => {
  it("case 348: samples hash 131,071 of T = 131,072, and 131,072 not; a sampled distance of 5 is 640 pages", () => {
    const shards = shardsWith({ threshold: 131_072, pages: 2000 }, (page) => page);
    expect(shards.isSampled(131_071)).toBe(true);
    expect(shards.isSampled(131_072)).toBe(false);
    expect(shards.isSampled(SHARDS_MODULUS + 131_071)).toBe(true);
    expect(shards.distanceOf(5)).toBe(640);
    for (const page of [1, 2, 3, 4, 5, 1]) shards.note(page);
    expect(shards.curve().map(({ pages }) => pages)).toEqual([0, 640]);
  });

  it("case 348: with R = 1 is exact LRU, at each size", () => {
    // Long enough for times to run out and be made new.
    const references = fc.array(fc.nat(PAGES - 1), { minLength: 1, maxLength: 600 });
    fc.assert(
      fc.property(references, fc.boolean(), (pages, adjusts) => {
        const shards = shardsWith({ adjusts });
        for (const page of pages) shards.note(page);
        for (const size of [1, 2, 3, 7, 20, 50, PAGES]) {
          expect(ratioAt(shards, size)).toBeCloseTo(missesOf(size, pages) / pages.length, 12);
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each([200, 1000, 3000])(
    "case 349: a cyclic scan of %i pages misses always below, and from there on its first pass alone",
    (pages) => {
      const exact = shardsWith({ pages: 4000 });
      cyclicScan(exact, pages, 4);
      expect(exact.curve()).toEqual([
        { pages: 0, ratio: 1 },
        { pages, ratio: 1 / 4 },
      ]);
    },
  );

  it("case 349: a sample puts the step within 1 / sqrt(samples) with half of the hashes at least, and within four times that with all", () => {
    const pages = 20_000;
    const near = Array.from({ length: 24 }, (_, seed) => {
      const hash = (page: number): number => shardsHash(page + seed * 1_000_003);
      const shards = shardsWith({ threshold: SHARDS_MODULUS / 32, pages: 40_000 }, hash);
      cyclicScan(shards, pages, 3);
      const step = memoryWithin(shards.curve(), 0.01);
      const error = Math.abs(step / pages - 1) * Math.sqrt(shards.held);
      expect(error).toBeLessThan(4);
      return error <= 1;
    });
    // Of a normal error, 68 %: 16 of 24, with a deviation of 2.3.
    expect(near.filter(Boolean).length).toBeGreaterThanOrEqual(12);
  });

  it("of a fixed size never holds more, and T only falls", () => {
    const pages = fc.array(fc.nat(499), { maxLength: 400 });
    fc.assert(
      fc.property(pages, fc.integer({ min: 1, max: 40 }), (all, most) => {
        const shards = shardsWith({ most, pages: 500 });
        let rate = 1;
        for (const page of all) {
          shards.note(page);
          expect(shards.held).toBeLessThanOrEqual(most);
          expect(shards.rate).toBeLessThanOrEqual(rate);
          rate = shards.rate;
        }
        // Who has been taken out is not let in again; all the others are held.
        const held = new Set(all.filter((page) => shards.isSampled(page)));
        expect(shards.held).toBe(held.size);
      }),
      { numRuns: 60 },
    );
  });

  it("counts what came before T fell by T's present value: a scan's step stays where it is", () => {
    const shards = shardsWith({ most: 256, pages: 40_000, adjusts: true });
    cyclicScan(shards, 10_000, 4);
    expect(shards.rate).toBeLessThan(0.04);
    expect(memoryWithin(shards.curve(), 0.01)).toBeGreaterThan(10_000 * (1 - 4 / 16));
    expect(memoryWithin(shards.curve(), 0.01)).toBeLessThan(10_000 * (1 + 4 / 16));
  });

  it("adjusted, adds what the sample has too few to the smallest distance", () => {
    // One page in four is sampled, and one that is not has half of the references.
    const hash = (page: number): number => (page % 4) * (SHARDS_MODULUS / 4);
    const play = (adjusts: boolean): Shards => {
      const shards = shardsWith({ threshold: SHARDS_MODULUS / 4, adjusts }, hash);
      for (let i = 0; i < 160; i++) {
        shards.note(i % 40);
        shards.note(1);
      }
      return shards;
    };
    // 320 references, R = 1/4: 80 expected, 40 sampled, 10 of them for the first time.
    expect(ratioAt(play(false), 1)).toBe(1);
    expect(ratioAt(play(true), 1)).toBe(0.5);
    expect(play(false).curve().at(-1)!.ratio).toBe(0.25);
    expect(play(true).curve().at(-1)!.ratio).toBe(0.125);
  });

  it("of nothing has no curve, and an interval forgets its references and not when pages were used", () => {
    const shards = shardsWith({});
    expect(shards.curve()).toEqual([]);
    shards.note(3);
    shards.endInterval();
    expect(shards.curve()).toEqual([]);
    shards.note(3);
    expect(shards.curve()).toEqual([
      { pages: 0, ratio: 1 },
      { pages: 1, ratio: 0 },
    ]);
  });
});
