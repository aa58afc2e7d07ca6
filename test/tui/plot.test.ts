/** Plots: what stands at which place. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CYCLES_PER_SECOND } from "../../src/config/units.ts";
import type { PlotFrame } from "../../src/session/frame.ts";
import { plotBackMax, plotWindow } from "../../src/tui/panels/plots.ts";
import { niceStep, plotLines, wholeWindow } from "../../src/tui/plot.ts";
import { ASCII, type Look, UNICODE } from "../../src/tui/themes.ts";

const look = (glyphs: Look["glyphs"]): Look => ({ theme: "default", colours: "none", glyphs });
const MS = CYCLES_PER_SECOND / 1000;

function plotOf(...series: (number | null)[][]): PlotFrame {
  return {
    title: "rates",
    unit: "pages/s",
    x: { name: "time", unit: "cycles", values: series[0]!.map((_, i) => i * MS) },
    series: series.map((values, i) => ({ name: `s${i}`, values })),
  };
}

function drawn(plot: PlotFrame, width: number, height: number, glyphs = ASCII): string[] {
  const lines = plotLines(plot, wholeWindow(plot), { width, height }, look(glyphs));
  return lines.map((pieces) => pieces.map(({ text }) => text).join(""));
}

describe("a plot", () => {
  it("has a legend, a scale from zero, an axis with its unit", () => {
    expect(drawn(plotOf([0, 50, 100], [100, 50, 0]), 40, 9).map((row) => row.trimEnd())).toEqual([
      "rates, pages/s: * s0  o s1",
      "    100|ooooo                      *****",
      "       |     oooooo          ******",
      "       |          oooooo******",
      "     50|          ******oooooo",
      "       |     ******          oooooo",
      "      0|*****                      ooooo",
      "       +--------------------------------",
      "        0ms             1ms          2ms",
    ]);
  });

  it("goes through the corners that its values say, in Unicode and in ASCII", () => {
    for (const glyphs of [ASCII, UNICODE]) {
      const rows = drawn(plotOf([0, 100]), 48, 12, glyphs).slice(1, -2);
      const columns = rows.map((row) => row.slice(8));
      expect(columns[0]!.at(-1)).not.toBe(" ");
      expect(columns.at(-1)![0]).not.toBe(" ");
      expect(columns[0]![0]).toBe(" ");
      expect(columns.at(-1)!.at(-1) ?? " ").toBe(" ");
    }
  });

  it("breaks off where nothing is known", () => {
    const rows = drawn(plotOf([1, 1, null, null, 1, 1]), 48, 9).slice(1, -2);
    const top = rows.find((row) => row.includes("*"))!.slice(8);
    // From 1 to 4 of 5 ms.
    expect(top.slice(10, 30).trim()).toBe("");
    expect(top.slice(0, 6)).toBe("******");
  });

  it("shows a point that is alone", () => {
    expect(drawn(plotOf([5]), 40, 9, UNICODE).join("")).toContain("●");
  });

  it("has lines as wide as their area, whatever it is of", () => {
    const value = fc.option(fc.double({ min: 0, max: 1e12, noNaN: true }));
    const series = fc.array(value, { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(series, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 10, max: 120 }),
        fc.integer({ min: 5, max: 40 }),
        (all, width, height) => {
          const length = Math.min(...all.map((one) => one.length));
          const rows = drawn(plotOf(...all.map((one) => one.slice(0, length))), width, height);
          expect(rows).toHaveLength(height);
          for (const row of rows.slice(1)) expect(row.length).toBeLessThanOrEqual(width);
          expect(rows.join("")).not.toMatch(/NaN|undefined|Infinity/);
        },
      ),
    );
  });
});

it("a step is 1, 2 or 5 times a power of ten, and enough", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-6, max: 1e12, noNaN: true }),
      fc.integer({ min: 1, max: 20 }),
      (span, most) => {
        const step = niceStep(span, most);
        expect(step * most).toBeGreaterThanOrEqual(span * (1 - 1e-6));
        expect(Number((step / 10 ** Math.floor(Math.log10(step) + 1e-9)).toPrecision(6))).toSatisfy(
          (lead: number) => [1, 2, 5].includes(lead),
        );
      },
    ),
  );
});

it("a window stays within the whole, wherever it is moved", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 12 }), fc.nat(1 << 15), (zoom, far) => {
      const back = Math.min(far, plotBackMax(zoom));
      const { from, to } = plotWindow({ from: 100, to: 1100 }, { chosen: 0, zoom, back });
      expect(from).toBeGreaterThanOrEqual(100 - 1e-6);
      expect(to).toBeLessThanOrEqual(1100);
      expect(to - from).toBeCloseTo(1000 / 2 ** zoom);
      if (back === plotBackMax(zoom)) expect(from).toBeCloseTo(100);
    }),
  );
});
