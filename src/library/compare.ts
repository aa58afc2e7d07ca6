/** Ways of tracking side by side, from a program. */
import { UserError } from "../errors.ts";
import { answers, type ComparisonRow, compareRuns } from "../questions/compare.ts";
import { type Candidate, runCandidates, underEach } from "../questions/comparison.ts";
import { contenderNamed } from "../questions/contenders.ts";
import type { LoadedScenario } from "../runs/scenarioFile.ts";
import { runScenario } from "./run.ts";
import {
  loaderOfSource,
  overridesOf,
  type ScenarioFields,
  type ScenarioSettings,
} from "./scenario.ts";

/** What can be compared: it is read once for each run. */
type Comparable = string | ScenarioFields;

export interface ComparisonSettings extends ScenarioSettings {
  /** Names of trackers; all if not given. Of several scenarios each has its own. */
  readonly trackers?: readonly string[];
  /** Each is run with all of these, and means and intervals are given; the scenario's own seed if not given. */
  readonly seeds?: readonly number[];
  /** Ends it early: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface Comparison {
  /** By guest overhead in percent, the least first. */
  readonly rows: readonly ComparisonRow[];
  /** What cannot track this scenario, and why. */
  readonly refused: readonly { readonly name: string; readonly why: string }[];
  /** Sentences: which is cheapest for written pages, for touched pages, and why. */
  readonly answers: readonly string[];
}

/**
 * Runs one scenario under each tracker, or several scenarios as they are, and each once more without tracking.
 * @param source a scenario or trace; or a list of scenarios
 * @throws UserError if a scenario is malformed, there is no such tracker, or none can track it
 */
export async function compare(
  source: Comparable | readonly Comparable[],
  settings: ComparisonSettings = {},
): Promise<Comparison> {
  const { trackers, seeds = null, set, signal } = settings;
  const candidates = candidatesOf(source, trackers, settings);
  const run = (loaded: LoadedScenario) =>
    runScenario(loaded, signal === undefined ? {} : { signal });
  const compared = await runCandidates(candidates, seeds, overridesOf(set), run);
  if (compared === null) throw new Error("a run that nobody interrupts has ended early");
  const rows = compareRuns(compared.runs);
  return { rows, refused: compared.refused, answers: answers(rows) };
}

function candidatesOf(
  source: Comparable | readonly Comparable[],
  trackers: readonly string[] | undefined,
  { directory }: ScenarioSettings,
): Candidate[] {
  const candidate = (one: Comparable): Candidate => ({
    name: typeof one === "string" ? one : one.name,
    load: loaderOfSource(one, directory),
  });
  if (isOne(source)) {
    return underEach(
      candidate(source),
      trackers?.map((name) => contenderNamed(name, "trackers")),
    );
  }
  if (trackers !== undefined) {
    throw new UserError("trackers: of one scenario, not of several; each has its own tracker");
  }
  if (source.length === 0) throw new UserError("compare: expected a scenario, the list is empty");
  return source.map(candidate);
}

function isOne(source: Comparable | readonly Comparable[]): source is Comparable {
  return !Array.isArray(source);
}
