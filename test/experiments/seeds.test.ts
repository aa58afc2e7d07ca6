/** Seeds: what chance enters is run with each, what it does not enter once, and a figure tells which it is. */
import { describe, expect, it } from "vitest";
import { EXPERIMENTS } from "../../src/experiments/all.ts";
import type { Experiment, Point } from "../../src/experiments/experiment.ts";
import { meanPlot } from "../../src/experiments/meanPlot.ts";
import { outcomeOf } from "../../src/experiments/outcome.ts";
import { runsOf } from "../../src/experiments/runner.ts";
import { orderOf, runPoint } from "../../src/experiments/runPoint.ts";
import { FULL, QUICK } from "../../src/experiments/scale.ts";
import { chanceIn, defaultSeeds, ordersOf } from "../../src/experiments/seeds.ts";
import { drawPlot } from "../../src/plots/draw.ts";
import { barPlot, dotPlot, linePlot, stackPlot } from "../../src/plots/kinds.ts";
import type { DataRow } from "../../src/plots/plot.ts";
import { expectedCost } from "../../src/runs/expectedCost.ts";
import { isLeftToChance } from "../../src/system/scenario/chance.ts";

/** Small enough that a run takes milliseconds. */
const TINY = { name: "quick", divisor: 1000 } as const;
/** Microseconds, of a run that is done here. */
const COST_MAX = 50_000;

const chanceOf = ({ scenario }: Point): boolean => isLeftToChance(orderOf(scenario).scenario);

describe.each(EXPERIMENTS.map((one) => [one.name, one] as const))("%s", (_, experiment) => {
  const points = experiment.points(TINY);

  it("has the same run with another seed where it says that chance enters none", () => {
    const [certain] = points
      .filter((point) => !chanceOf(point))
      .map(({ scenario }) => ({ scenario, cost: expectedCost(orderOf(scenario).scenario) }))
      .filter(({ cost }) => cost < COST_MAX)
      .sort((a, b) => a.cost - b.cost);
    if (certain === undefined) return;
    const of = (seed: number) => JSON.stringify(runPoint({ ...certain.scenario, seed }));
    expect(of(77)).toBe(of(78));
  });

  it("has each run that chance enters as often as there are seeds, and the others once", () => {
    const { drawn, certain } = chanceIn(experiment, TINY, 4);
    expect(drawn + certain).toBe(points.length);
    const orders = [0, 1, 2, 3].flatMap((replica) => ordersOf(experiment, TINY, replica));
    const texts = new Set(orders.map(([, { scenario }]) => JSON.stringify(scenario)));
    expect(texts.size).toBe(4 * drawn + certain);
  });
});

/** A run of any kind: what is made of it here is its seed. */
const summaryWith = (emulated: number) => ({ accesses: emulated }) as ReturnType<typeof runPoint>;

const drawing: Experiment = {
  name: "drawing",
  title: "",
  source: "",
  assumptions: [],
  divides: null,
  points: () => [
    {
      name: "a",
      scenario: {
        name: "a",
        vms: [{ workload: { kind: "uniform", pages: 10, accesses: 5 } }],
      },
    },
  ],
  evaluate: (results) => {
    const { accesses } = results("a");
    const figure = (quantity: string, emulated: number) => ({
      quantity,
      unit: "",
      published: { value: 10, plain: null },
      emulated,
    });
    return {
      figures: [figure("drawn", accesses), figure("the same", 10)],
      plots: [],
      findings: [`${accesses}`],
    };
  },
};

describe("an outcome of several seeds", () => {
  it("has means with intervals, and a figure without one where every seed gives the same", async () => {
    const results = [9, 10, 11].map((value) => () => summaryWith(value));
    const { rows, chance, findings } = await outcomeOf(drawing, results, QUICK);
    expect(chance).toEqual({ seeds: 3, drawn: 1, certain: 0 });
    expect(rows[0]).toMatchObject({ emulated: 10, values: [9, 10, 11], verdict: "near" });
    expect(rows[1]).toMatchObject({ low: 10, high: 10, values: [10], verdict: "reproduced" });
    expect(findings).toEqual(["9"]);
  });

  it("are ten of the full size at least, and several of the quick one", () => {
    expect(defaultSeeds(FULL)).toBe(10);
    expect(defaultSeeds(QUICK)).toBeGreaterThan(1);
    expect(runsOf([drawing], FULL, 10).runs.map(({ scenario }) => scenario.seed)).toEqual(
      Array.from({ length: 10 }, (_, i) => 1 + 1000 * i),
    );
  });
});

describe("a plot of several seeds", () => {
  const options = {
    x: { field: "x", title: "x" },
    y: { field: "y", title: "y, s" },
    by: { field: "by", title: "by" },
  };
  const data = (...values: readonly number[]): DataRow[] =>
    values.map((y, x) => ({ x, y, by: "one" }));
  const bars = (...values: readonly number[]) => barPlot("bars", data(...values), options);

  it("shows the mean and its interval of what was measured under the same conditions", async () => {
    const plot = meanPlot([bars(1, 5), bars(2, 5), bars(3, 5)]);
    expect(plot.data[0]).toMatchObject({ x: 0, y: 2 });
    expect(Number(plot.data[0]!["high"])).toBeCloseTo(2 + 4.303 / Math.sqrt(3), 3);
    expect(plot.data[1]).toMatchObject({ y: 5, low: 5, high: 5 });
    expect(plot.title).toBe("bars (mean of 3 seeds, 95 %)");
    // Bars and rules are paths and lines: a rule for each bar.
    const rules = (await drawPlot(plot)).match(
      /<g class="mark-rule [^"]*layer_1_marks".*?<\/g>/,
    )?.[0];
    expect(rules?.match(/<line/g)).toHaveLength(2);
  });

  it("keeps its panels", async () => {
    const paneled = (value: number) => {
      const rows = ["p", "q"].map((panel) => ({ x: 1, y: value, by: "one", panel }));
      return linePlot("lines", rows, { ...options, panels: { field: "panel", columns: 2 } });
    };
    const svg = await drawPlot(meanPlot([paneled(1), paneled(2)]));
    expect(svg.match(/mark-rule [^"]*layer_1_marks/g)?.length).toBe(2);
  });

  it("is as it was where every seed gives the same", () => {
    expect(meanPlot([bars(1, 2), bars(1, 2)])).toEqual(bars(1, 2));
  });

  it("is the first seed's, and says so, where the points are others or it has no single marks", () => {
    const first = "bars (the first of 2 seeds)";
    expect(meanPlot([bars(1, 2), bars(1, 2, 3)])).toEqual({ ...bars(1, 2), title: first });
    const stacked = (y: number) => stackPlot("stack", data(y), options);
    expect(meanPlot([stacked(1), stacked(2)]).title).toBe("stack (the first of 2 seeds)");
  });

  it("has no end below zero on a logarithmic axis", () => {
    const dots = (value: number) =>
      dotPlot(
        "dots",
        data(value).map((row) => ({ ...row, x: value, y: "name" })),
        {
          ...options,
          x: { field: "x", title: "x", log: 10 },
        },
      );
    expect(meanPlot([dots(1), dots(100)]).data[0]).toMatchObject({ x: 50.5, low: 50.5 });
  });
});
