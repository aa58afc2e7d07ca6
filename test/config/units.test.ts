import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCycles, parseDuration, parseSize } from "../../src/config/units.ts";

const SECOND = 2.4e9;

describe("a duration", () => {
  it.each([
    ["1s", SECOND],
    ["1.5 s", 1.5 * SECOND],
    ["250us", 600_000],
    ["1ns", 2],
    ["30 ms", 72_000_000],
    ["2min", 120 * SECOND],
    ["100000 cycles", 100_000],
    [" 7cycles ", 7],
    ["0us", 0],
  ])("%s", (text, cycles) => {
    expect(parseDuration(text)).toBe(cycles);
  });

  it.each([
    "",
    "5",
    "us",
    "-1us",
    "1e3us",
    "1 h",
    "1,5s",
    ".5s",
    "5.s",
    "1us 2us",
    "1US",
    "0x10us",
    "NaN s",
    "Infinity s",
    "10000000000s",
  ])("%j is none", (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  it("is exact in cycles", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (cycles) => {
        expect(parseDuration(`${cycles} cycles`)).toBe(cycles);
      }),
    );
  });
});

describe("a size", () => {
  it.each([
    ["4KiB", 1],
    ["400MiB", 102_400],
    ["1 GiB", 262_144],
    ["0.5GiB", 131_072],
    ["1TiB", 268_435_456],
  ])("%s", (text, pages) => {
    expect(parseSize(text)).toBe(pages);
  });

  it.each(["", "0MiB", "1KiB", "6KiB", "4KB", "4kib", "-4KiB", "4", "4 KiB more"])(
    "%j is none",
    (text) => {
      expect(parseSize(text)).toBeNull();
    },
  );
});

it("cycles are shown with a unit that fits, and read back as about the same", () => {
  fc.assert(
    fc.property(fc.integer({ min: 24, max: 2 ** 50 }), (cycles) => {
      const back = parseDuration(formatCycles(cycles))!;
      expect(Math.abs(back - cycles)).toBeLessThanOrEqual(Math.max(2, cycles * 1e-3));
    }),
  );
});
