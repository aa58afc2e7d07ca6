/** The shipped scenarios that run wherever the tests do: a Linux has to be fetched first. */
import { loadScenario, shippedScenarios } from "../src/runs/scenarioFile.ts";
import type { Scenario } from "../src/system/scenarioSchema.ts";
import { IS_ALL } from "./share.ts";

function workloadsOf(name: string): Scenario["vms"][number]["workload"][] {
  return loadScenario(name).scenario.vms.map(({ workload }) => workload);
}

export function runnableScenarios(): string[] {
  return shippedScenarios().filter((name) =>
    workloadsOf(name).every(({ kind }) => kind !== "linux"),
  );
}

/** Scenarios of one and the same trace that are looked at whole, but with `npm run test:all`. */
const OF_A_TRACE = 2;

/** Those that play a trace which others play, too, and differ by their trackers alone; with `npm run test:all` none. */
export function repeatedScenarios(): ReadonlySet<string> {
  const played = new Map<string, number>();
  const repeated = runnableScenarios().filter((name) => {
    const [workload, ...others] = workloadsOf(name);
    if (IS_ALL || workload?.kind !== "trace" || others.length > 0) return false;
    const before = played.get(workload.file) ?? 0;
    played.set(workload.file, before + 1);
    return before >= OF_A_TRACE;
  });
  return new Set(repeated);
}
