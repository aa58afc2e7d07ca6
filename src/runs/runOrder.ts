/** One run, as it is ordered and as it has ended: plain data, for it crosses threads and is kept in files. */
import { buildSystem } from "../system/build.ts";
import type { Scenario } from "../system/scenarioSchema.ts";
import { type RunSummary, summarize } from "../system/summary.ts";
import { ProgressWatch } from "../system/verdict/progressWatch.ts";
import { brokenPromises } from "../system/verdict/verdict.ts";

export interface RunOrder {
  readonly scenario: Scenario;
  /** Where relative names of trace files start. */
  readonly directory: string;
}

export interface FinishedRun {
  readonly summary: RunSummary;
  /** What no run may do, and this one did: a harvest lost a page, a VM died, nothing went on. Null: nothing. */
  readonly broken: string | null;
}

/** Runs to the end. @throws UserError if it cannot be built, or the guests get nowhere */
export function runToEnd({ scenario, directory }: RunOrder): FinishedRun {
  const system = buildSystem(scenario, { directory });
  const watch = new ProgressWatch(system);
  watch.run();
  const { standstill } = watch;
  const [broken] = brokenPromises(system, standstill);
  return { summary: summarize(system, standstill), broken: broken?.what ?? null };
}
