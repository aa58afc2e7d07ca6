/** The shipped scenarios that run wherever the tests do: a Linux has to be fetched first. */
import { loadScenario, shippedScenarios } from "../src/runs/scenarioFile.ts";

export function runnableScenarios(): string[] {
  return shippedScenarios().filter((name) => {
    const { scenario } = loadScenario(name);
    return scenario.vms.every(({ workload }) => workload.kind !== "linux");
  });
}
