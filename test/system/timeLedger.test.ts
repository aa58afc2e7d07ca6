/**
 * Time is conserved, at any message of any run: what is charged to a cause has passed on some CPU, or is
 * under way; and the causes of each CPU add up to the time of the run.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import { System } from "../../src/system/system.ts";
import { assertTimeConserved, timeLedger } from "../../src/system/verdict/timeLedger.ts";
import { anyFields, buildOvercommitted } from "./overcommitSystems.ts";
import { anyRecipe, build, configOf, drive, withTechnique } from "./smallSystems.ts";

function expectConserved(system: System): void {
  expect(timeLedger(system).differences).toEqual([]);
}

describe("time is conserved", () => {
  it("at every message of any small system", () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const system = build(recipe);
        drive(system, () => expectConserved(system));
      }),
      { numRuns: 150 },
    );
  });

  it("while dirty rings fill, and vCPUs wait for their reset", () => {
    let waited = 0;
    fc.assert(
      fc.property(withTechnique("dirtyRing"), fc.integer({ min: 1, max: 20 }), (any, passes) => {
        const config = configOf({ ...any, passes });
        const tracking = { ...config.world.tracking, ringEntries: 16, ringReserved: 4 };
        const system = new System({ ...config, world: { ...config.world, tracking } });
        drive(system, () => expectConserved(system));
        waited += timeLedger(system).cpus.reduce(
          (sum, { cycles }) => sum + (cycles["waiting"] ?? 0),
          0,
        );
      }),
      { numRuns: 100 },
    );
    expect(waited).toBeGreaterThan(0);
  });

  it("on overcommitted hosts, where vCPUs wait for pages and processes for their CPU", () => {
    fc.assert(
      fc.property(
        anyRecipe,
        fc.constantFrom(0, 0.3, 1),
        anyFields,
        fc.nat(1000),
        (recipe, roominess, fields, seed) => {
          const { system } = buildOvercommitted({ recipe, roominess, fields, seed });
          let messages = 0;
          drive(system, () => {
            if (messages++ % 8 === 0) expectConserved(system);
          });
          expectConserved(system);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("when PRL's handler and a process want the same CPU of the pVM", () => {
    const scenario = scenarioSchema.parse({
      name: "busy pVM",
      machine: {
        cpus: 2,
        logEntries: 8,
        tlb: { l1: { sets: 2, ways: 2 }, l2: { sets: 2, ways: 2 } },
        costs: { hypervisor: { scanEntry: 400 } },
      },
      vms: [1, 2].map(() => ({
        workload: { kind: "uniform", pages: 300, writeFraction: 0.5, gap: 50 },
      })),
      operation: {
        kind: "estimate",
        estimator: { kind: "prl", mu: "60us", omega: "1200us", continueWhenStable: true },
      },
      until: "3ms",
    });
    const system = buildSystem(scenario);
    while (system.step()) expectConserved(system);
    const pvm = timeLedger(system).cpus.find(({ cpu }) => cpu === "pvm0")!;
    expect(pvm.cycles["log-full handler"]).toBeGreaterThan(0);
    expect(pvm.cycles["process"]).toBeGreaterThan(0);
    expect(summarize(system).pvm.processes).toBeGreaterThan(0);
  });
});

describe("a ledger", () => {
  const scenario = scenarioSchema.parse({
    name: "ledger",
    vms: [{ workload: { kind: "uniform", pages: 300, writeFraction: 0.5, accesses: 20_000 } }],
  });

  it("names the cause whose time was charged and did not pass", () => {
    const system = buildSystem(scenario);
    system.run(40);
    // A counter that has counted a cycle too many, or an exit handler that took none of its time.
    const [{ counters }] = system.world.vcpus as [System["world"]["vcpus"][number]];
    counters.values[0] = counters.values[0]!;
    const { values } = counters;
    values.forEach((_, i) => {
      values[i] = values[i]! + 1000;
    });
    expect(() => assertTimeConserved(system)).toThrow(
      /^time is not conserved: guest: \d+ cycles were charged/,
    );
  });

  it("says nothing of a run that was disturbed from outside", () => {
    const system = buildSystem(scenario);
    system.run(20);
    const [late] = system.interconnect.pending();
    system.intervene({ kind: "postpone", sequence: late!.sequence, cycles: 5000 });
    system.run();
    expect(system.disturbed).toBe(true);
    expect(() => assertTimeConserved(system)).not.toThrow();
  });

  it("holds for a run that went on from a saved state, and for one with commands of the operator", () => {
    const first = buildSystem(scenario);
    first.run(30);
    const second = buildSystem(scenario);
    second.restore(first.save());
    second.command("operator", { type: "harvestNow", vm: 0 });
    while (second.step()) expectConserved(second);
    expect(second.disturbed).toBe(false);
  });
});
