/** One run, from its scenario to its summary. */
import { buildSystem } from "../system/build.ts";
import { scenarioSchema } from "../system/scenarioSchema.ts";
import { type RunSummary, summarize } from "../system/summary.ts";
import { ProgressWatch } from "../system/verdict/progressWatch.ts";
import { brokenPromises } from "../system/verdict/verdict.ts";
import type { ScenarioInput } from "./experiment.ts";

/** A run that must not happen, whatever an experiment looks for: a harvest lost a page, a VM died, nothing went on. */
export class BrokenRun extends Error {}

/** Runs to the end. @throws BrokenRun, and UserError if the guests get nowhere */
export function runPoint(scenario: ScenarioInput): RunSummary {
  const system = buildSystem(scenarioSchema.parse(scenario));
  const watch = new ProgressWatch(system);
  watch.run();
  const [broken] = brokenPromises(system, watch.standstill);
  if (broken !== undefined) throw new BrokenRun(broken.what);
  return summarize(system);
}
