/** The operator harvests the VM that he names. */
import { expect, it } from "vitest";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";

it.each([0, 1, 2])("VM %i, and no other", (vm) => {
  const workload = { kind: "uniform", pages: 64, writeFraction: 0.5, gap: 400, accesses: 40_000 };
  const system = buildSystem(
    scenarioSchema.parse({
      name: "harvest",
      machine: { cpus: 3 },
      vms: [{ workload }, { workload }, { workload }],
      tracker: { technique: "pml" },
    }),
  );
  system.run(100);
  expect(system.done).toBe(false);
  system.command("operator", { type: "harvestNow", vm });
  system.run();
  const { harvests, failures } = summarize(system);
  expect(failures).toEqual([]);
  // The last one is at the end of the run, of each.
  expect(harvests.map((one) => one.harvests)).toEqual([0, 1, 2].map((of) => (of === vm ? 2 : 1)));
});
