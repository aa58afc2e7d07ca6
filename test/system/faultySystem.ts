/** Systems of scenarios with a planted fault of the checker's: what the fault does outside of its model. */
import { deviceMutations } from "../../src/check/mutations/devices.ts";
import { hypervisorWriteMutations } from "../../src/check/mutations/hypervisorWrites.ts";
import { present } from "../../src/lookup.ts";
import { buildSystem } from "../../src/system/build.ts";
import type { Scenario } from "../../src/system/scenarioSchema.ts";
import { System } from "../../src/system/system.ts";

const FAULTS = [...hypervisorWriteMutations, ...deviceMutations];

/** A migration over a fast link, by the rules of libxc. */
export const MIGRATION = {
  kind: "migrate",
  start: "200us",
  link: { bandwidth: "10Gbit/s" },
  policy: { kind: "libxc" },
  settle: "1ms",
};

/** @throws if no planted fault has that name */
export function faultySystem(scenario: Scenario, name: string): System {
  const { config } = buildSystem(scenario);
  const fault = FAULTS.find((one) => one.name === name);
  const replace = present(fault?.replace, `the fault ${name}`);
  const built: { system?: System } = {};
  const world = () => present(built.system, "the system").world;
  built.system = new System({
    ...config,
    replace: (role, parts) => replace(role, parts, world, () => []),
  });
  return built.system;
}
