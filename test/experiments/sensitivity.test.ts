/** Which costs decide a claim: the ends of their intervals, and the value at which a verdict changes. */
import { describe, expect, it } from "vitest";
import { experimentsNamed } from "../../src/experiments/all.ts";
import { QUICK } from "../../src/experiments/scale.ts";
import type { SeededOrder } from "../../src/experiments/seeds.ts";
import { COST_PARAMETERS } from "../../src/experiments/sensitivity/parameters.ts";
import {
  effectCells,
  sensitivityLines,
  sensitivityPlot,
} from "../../src/experiments/sensitivity/report.ts";
import { ordersWith, sensitivityOf } from "../../src/experiments/sensitivity/sensitivity.ts";
import { CLAIMS } from "../../src/experiments/study/claims.ts";
import { drawPlot } from "../../src/plots/draw.ts";
import type { RunSummary } from "../../src/system/summary.ts";

describe("claims", () => {
  it("have names of their own", () => {
    const ids = CLAIMS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });
});

const claim = CLAIMS.find(({ id }) => id === "present-bit")!;

/** What is lost where an exit takes a fiftieth of an access's time for each cycle, and IPIs a thousandth; nothing else matters. */
function lost({ name, scenario }: SeededOrder): RunSummary {
  const { vmExit, ipi } = scenario.machine.costs.hypervisor;
  const time = name === "none" ? 1 : 1 + vmExit / 50 + ipi / 1000;
  return { accesses: 1, time, energy: {} } as RunSummary;
}

describe("the sensitivity of a claim", () => {
  const orders: SeededOrder[] = [];
  const find = () =>
    sensitivityOf(claim, QUICK, async (runs) => {
      orders.push(...runs);
      return runs.map(lost);
    });

  it("names the costs that change its figures, and narrows down where its verdict changes", async () => {
    const { base, effects, set, without } = await find();
    expect(base.verdict).toBe("holds");
    expect(effects.map(({ parameter }) => parameter.name)).toEqual(["vmExit", "ipi"]);
    const [exit, ipi] = effects;
    // 90 % are lost where vmExit / 50 + 2.4 is 9: at 330.
    expect(exit!.low.verdict).toBe("does not hold");
    expect(exit!.same[0]).toBeGreaterThanOrEqual(330);
    expect(exit!.same[0]).toBeLessThan(330 * 1.05);
    expect(exit!.same[1]).toBe(exit!.parameter.high);
    expect(ipi!.same).toEqual([ipi!.parameter.low, ipi!.parameter.high]);
    expect(set.map(({ name }) => name)).toEqual(["violationHandler"]);
    expect(effects.length + without.length).toBe(COST_PARAMETERS.length);
    // Nobody asks for energy there.
    const energies = new Set(
      orders.map(({ scenario }) => JSON.stringify(scenario.machine.costs.energy)),
    );
    expect(energies.size).toBe(1);
  });

  it("is told in a table, the widest first, in sentences, and drawn with a bar for each cost", async () => {
    const found = await find();
    expect(effectCells(found).map(([name]) => name)).toEqual(["vmExit", "ipi"]);
    expect(sensitivityLines(found)[0]).toMatch(
      /^"holds" with the costs as they are; "does not hold" with vmExit 300, still the same at 3\d\d \(now 600\)$/,
    );
    const plot = sensitivityPlot(found);
    expect(plot.data).toHaveLength(4);
    const svg = await drawPlot(plot);
    expect(svg.match(/aria-roledescription="bar"/g)).toHaveLength(4);
    expect(svg).toContain("vmExit 300 to 1,150");
  });

  it("leaves a cost alone where the experiment sets it", () => {
    const [experiment] = experimentsNamed("present-bit");
    const handler = COST_PARAMETERS.find(({ name }) => name === "violationHandler")!;
    const costs = ordersWith(experiment!, QUICK, [handler, 624]).map(
      ({ scenario }) => scenario.machine.costs.hypervisor.violationHandler,
    );
    expect(costs).toEqual([624, 5000, 76_800]);
  });
});
