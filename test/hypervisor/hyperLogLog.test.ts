/** The laws of HyperLogLog, against exact counts. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HyperLogLog } from "../../src/hypervisor/wss/hyperLogLog.ts";

function sketchOf(pages: Iterable<number>, precision = 10): HyperLogLog {
  const sketch = new HyperLogLog(precision);
  for (const page of pages) sketch.add(page);
  return sketch;
}

/** Pages from somewhere on, side by side, as memory is used. */
const stretch = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i);
const pages = fc.array(fc.nat(0xffffff), { maxLength: 200 });

describe("HyperLogLog", () => {
  it("case 350: of nothing is 0, and of one page a million times 1", () => {
    expect(new HyperLogLog(14).estimate()).toBe(0);
    const sketch = new HyperLogLog(14);
    for (let i = 0; i < 1_000_000; i++) sketch.add(77);
    expect(sketch.estimate()).toBe(1);
  });

  it("does not depend on the order, nor on how often a page comes", () => {
    fc.assert(
      fc.property(pages, (all) => {
        const again = sketchOf([...all, ...all.toReversed()]);
        expect(again.registers).toEqual(sketchOf(all).registers);
      }),
    );
  });

  it("case 350: merged is that of both sets, and of equal ones unchanged", () => {
    fc.assert(
      fc.property(pages, pages, (one, other) => {
        const merged = sketchOf(one);
        merged.merge(sketchOf(other));
        expect(merged.registers).toEqual(sketchOf([...one, ...other]).registers);
        merged.merge(merged);
        expect(merged.registers).toEqual(sketchOf([...one, ...other]).registers);
      }),
    );
  });

  it("never falls as pages come", () => {
    fc.assert(
      fc.property(pages, pages, (one, other) => {
        sketchOf([...one, ...other]).registers.forEach((register, i) => {
          expect(register).toBeGreaterThanOrEqual(sketchOf(one).registers[i]!);
        });
      }),
      { numRuns: 10 },
    );
  });

  it.each([4, 5, 6, 10, 14])("with precision %i is as exact as it should be", (precision) => {
    // Sets of three sizes, at forty places each: a mean of squares is known to a ninth.
    const expected = 1.04 / Math.sqrt(2 ** precision);
    for (const count of [2000, 20_000]) {
      const errors = Array.from({ length: 40 }, (_, i) => {
        const estimate = sketchOf(stretch(i * 1_000_003, count), precision).estimate();
        return (estimate / count - 1) ** 2;
      });
      const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error, 0) / errors.length);
      expect(deviation).toBeLessThan(1.5 * expected);
    }
  });
});
