/** One run, from its scenario to its summary. */
import { buildSystem } from "../system/build.ts";
import { scenarioSchema } from "../system/scenarioSchema.ts";
import { type RunSummary, summarize } from "../system/summary.ts";
import type { ScenarioInput } from "./experiment.ts";

/** Runs to the end. */
export function runPoint(scenario: ScenarioInput): RunSummary {
  const system = buildSystem(scenarioSchema.parse(scenario));
  system.run();
  return summarize(system);
}
