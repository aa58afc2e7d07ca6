/**
 * A whole migration of a 4 GiB VM of which a program writes 400 MiB over and over: arming, rounds,
 * suspension, comparison of the two hosts, and the guest's accesses meanwhile.
 */
import { buildSystem } from "../../src/system/build.ts";
import type { MigrateResult } from "../../src/system/operations/migration/migrateResult.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { type Benchmark, type Result, secondsOf } from "./harness.ts";

const SECONDS = 20;

export const migration: Benchmark = {
  name: "migration",
  async run(): Promise<readonly Result[]> {
    return (["pml", "writeProtect"] as const).map((technique) => ({
      what: `migration of 4 GiB, ${technique}`,
      value: secondsFor(technique),
      unit: "s",
      bar: { atMost: SECONDS },
    }));
  },
};

function secondsFor(technique: "pml" | "writeProtect"): number {
  const scenario = scenarioSchema.parse({
    name: "migration",
    vms: [
      {
        memory: "4GiB",
        workload: { kind: "arrayParser", pages: 102_400, writeIntensity: 100, gap: 2000 },
      },
    ],
    tracker: { technique },
    operation: { kind: "migrate", link: { bandwidth: "10Gbit/s" } },
  });
  const system = buildSystem(scenario);
  const seconds = secondsOf(() => system.run());
  const { outcome, verified } = system.result() as MigrateResult;
  if (outcome !== "completed" || verified !== true) throw new Error(`migration ${outcome}`);
  return seconds;
}
