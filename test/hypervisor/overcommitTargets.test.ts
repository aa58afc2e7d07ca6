/** How large each VM shall be: the sources' rules, and the host's limit. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Demand,
  type TargetRule,
  targetsOf,
} from "../../src/hypervisor/overcommit/targets.ts";

const demand = fc
  .tuple(fc.integer({ min: 10, max: 5000 }), fc.integer({ min: 1, max: 10 }), fc.nat(8000))
  .map(([pages, minimum, used]): Demand => ({ pages, minimum, used }));
const rule = (vms: number): fc.Arbitrary<TargetRule> =>
  fc.oneof(
    fc.record({
      kind: fc.constant("workingSet" as const),
      headroom: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    fc.record({
      kind: fc.constant("idleTax" as const),
      tax: fc.double({ min: 0, max: 0.99, noNaN: true }),
      shares: fc.array(fc.double({ min: 0.1, max: 1000, noNaN: true }), {
        minLength: vms,
        maxLength: vms,
      }),
    }),
  );
const cases = fc
  .array(demand, { minLength: 1, maxLength: 6 })
  .chain((demands) =>
    fc.tuple(fc.constant(demands), rule(demands.length), fc.integer({ min: 60, max: 20_000 })),
  );

const two = (used: readonly [number, number]): Demand[] =>
  used.map((one) => ({ pages: 1000, minimum: 1, used: one }));

describe("targets", () => {
  it("are whole pages within each VM's bounds, together never more than the host has", () => {
    fc.assert(
      fc.property(cases, ([demands, policy, host]) => {
        const targets = targetsOf(policy, host, demands);
        targets.forEach((target, vm) => {
          expect(Number.isInteger(target)).toBe(true);
          expect(target).toBeGreaterThanOrEqual(demands[vm]!.minimum);
          expect(target).toBeLessThanOrEqual(demands[vm]!.pages);
        });
        const sum = targets.reduce((total, target) => total + target, 0);
        expect(sum).toBeLessThanOrEqual(host);
        // Shares leave nothing lying about.
        const wanted = demands.reduce((total, { pages }) => total + pages, 0);
        if (policy.kind === "idleTax")
          expect(sum).toBeGreaterThanOrEqual(Math.min(host, wanted) - demands.length);
      }),
      { numRuns: 1000 },
    );
  });

  it("by shares alone do not look at what VMs use", () => {
    const shares: TargetRule = { kind: "idleTax", tax: 0, shares: [1, 3] };
    expect(targetsOf(shares, 800, two([700, 10]))).toEqual([200, 600]);
  });

  it("with the tax are at the balance of the adjusted shares per page (OSDI'02 5.2)", () => {
    const tax = 0.75;
    const shares = [100, 100];
    const demands = two([500, 100]);
    const targets = targetsOf({ kind: "idleTax", tax, shares }, 800, demands);
    const k = 1 / (1 - tax);
    const perPage = targets.map((pages, vm) => {
      const active = Math.min(1, demands[vm]!.used / pages);
      return shares[vm]! / (pages * (active + k * (1 - active)));
    });
    expect(perPage[0]! / perPage[1]!).toBeCloseTo(1, 1);
    // The idle VM loses most of what it does not use, not all.
    expect(targets[1]).toBeGreaterThan(100);
    expect(targets[1]).toBeLessThan(300);
  });

  it("by working sets are what is used and the headroom; too much for the host shrinks all alike", () => {
    const policy: TargetRule = { kind: "workingSet", headroom: 0.5 };
    expect(targetsOf(policy, 1000, two([500, 100]))).toEqual([750, 150]);
    expect(targetsOf(policy, 450, two([500, 100]))).toEqual([375, 75]);
  });
});
