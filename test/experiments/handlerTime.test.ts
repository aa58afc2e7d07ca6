/** T_h as an axis: which handler times give a bar, and which give all bars at once. */
import { describe, expect, it } from "vitest";
import {
  type Bar,
  commonTimes,
  leastFactor,
  overheadAt,
  RUN_TIMES,
  timesOf,
} from "../../src/experiments/handlerTime.ts";

const [SHORT, LONG] = RUN_TIMES;
/** A program with so many log-full events a second, and what else tracking costs it, percent. */
function bar(events: number, rest: number, published: number): Bar {
  const at = (time: number): number => rest + (events * time) / 1e4;
  return { atShort: at(SHORT), atLong: at(LONG), published };
}

describe("handler times", () => {
  it("are DW19's and that of the authors' tree", () => {
    expect(SHORT).toBeCloseTo(256.8, 1);
    expect(LONG).toBe(4000);
  });

  it("a bar's: where its line is within the factor", () => {
    const one = bar(100, 0, 10);
    const [least, most] = timesOf(one, 2) ?? [Number.NaN, Number.NaN];
    expect(least).toBeCloseTo(500, 6);
    expect(most).toBeCloseTo(2000, 6);
    expect(overheadAt(one, least)).toBeCloseTo(5, 6);
  });

  it("none, if what is paid besides is already too much, or no log is ever full", () => {
    expect(timesOf(bar(100, 30, 10), 2)).toBeNull();
    expect(timesOf(bar(0, 1, 10), 2)).toBeNull();
  });

  it("all bars': where every line is", () => {
    const bars = [bar(100, 0, 10), bar(400, 0, 20)];
    expect(commonTimes(bars, 2)?.map(Math.round)).toEqual([500, 1000]);
    expect(commonTimes(bars, 1.1)).toBeNull();
    // One time gives both within the square root of what lies between 1,000 and 500 us.
    expect(leastFactor(bars)).toBeCloseTo(Math.SQRT2, 6);
    expect(leastFactor([...bars, bar(0, 0, 1)])).toBeNull();
  });
});
