/** What holds for the interval of every cost: a new cost has one by being listed. */
import { describe, expect, it } from "vitest";
import { COST_PARAMETERS } from "../../src/experiments/sensitivity/parameters.ts";
import { DEFAULT_PROCESSOR_COSTS } from "../../src/hardware/costs.ts";
import { DEFAULT_HYPERVISOR_COSTS } from "../../src/hypervisor/costs.ts";
import { DEFAULT_ENERGY_COSTS } from "../../src/system/energy.ts";

describe.each(COST_PARAMETERS.map((one) => [`${one.section} ${one.name}`, one] as const))(
  "%s",
  (_, { now, low, high, why }) => {
    it("lies within what is plausible, and somebody says why", () => {
      expect(low).toBeGreaterThanOrEqual(0);
      expect(low).toBeLessThan(now);
      expect(high).toBeGreaterThan(now);
      expect([low, high].every(Number.isInteger)).toBe(true);
      expect(why).not.toBe("");
    });
  },
);

it("every cost that a scenario can set has an interval", () => {
  const all = [DEFAULT_PROCESSOR_COSTS, DEFAULT_HYPERVISOR_COSTS, DEFAULT_ENERGY_COSTS];
  expect(COST_PARAMETERS.map(({ name }) => name)).toEqual(
    all.flatMap((costs) => Object.keys(costs)),
  );
});
