/** One run of an experiment, from its scenario to its summary. */
import { type RunOrder, runToEnd } from "../runs/runOrder.ts";
import { scenarioSchema } from "../system/scenarioSchema.ts";
import type { RunSummary } from "../system/summary.ts";
import type { ScenarioInput } from "./experiment.ts";

/** A run that must not happen, whatever an experiment looks for: a harvest lost a page, a VM died, nothing went on. */
export class BrokenRun extends Error {}

/** Experiments play no traces but shipped ones. */
export function orderOf(scenario: ScenarioInput): RunOrder {
  return { scenario: scenarioSchema.parse(scenario), directory: "." };
}

/** Runs to the end. @throws BrokenRun, and UserError if the guests get nowhere */
export function runPoint(scenario: ScenarioInput): RunSummary {
  const { summary, broken } = runToEnd(orderOf(scenario));
  if (broken !== null) throw new BrokenRun(broken);
  return summary;
}
