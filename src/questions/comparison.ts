/** What a comparison is of, and its runs one after the other: each way of tracking, each seed, and the guests alone. */
import type { Override } from "../config/override.ts";
import { UserError } from "../errors.ts";
import { type LoadedScenario, refuseUnread } from "../runs/scenarioFile.ts";
import { estimatorOf } from "../system/operations/all.ts";
import type { RunSummary } from "../system/summary.ts";
import type { Compared } from "./compare.ts";
import { type Contender, contendersOf, overridesOf } from "./contenders.ts";
import { untracked } from "./untracked.ts";

/** One of the things that are compared. */
export interface Candidate {
  readonly name: string;
  readonly load: (overrides: readonly Override[]) => LoadedScenario;
}

/** Runs to the end; null if that was interrupted. `label`: what is being run, for people. */
export type Runner = (loaded: LoadedScenario, label: string) => Promise<RunSummary | null>;

export interface ComparisonRuns {
  readonly runs: readonly Compared[];
  /** What cannot track this scenario, and why. */
  readonly refused: readonly { readonly name: string; readonly why: string }[];
}

/**
 * One scenario under each tracker.
 * @throws UserError if its operation chooses its own tracking
 */
export function underEach({ name, load }: Candidate, trackers?: readonly Contender[]): Candidate[] {
  const { scenario } = load([]);
  if (estimatorOf(scenario.operation) !== null) {
    throw new UserError(
      `${name}: an estimator chooses its own way of tracking; compare several scenarios: trackvisor compare wss-prl wss-pml`,
    );
  }
  return (trackers ?? contendersOf(scenario)).map((contender) => ({
    name: contender.name,
    load: (overrides) => load([...overridesOf(contender), ...overrides]),
  }));
}

/**
 * Runs them all.
 * @param seeds of the runs; null: each scenario's own
 * @returns null if a run was interrupted
 * @throws UserError for a mistake in the scenario
 */
export async function runCandidates(
  candidates: readonly Candidate[],
  seeds: readonly number[] | null,
  common: readonly Override[],
  run: Runner,
): Promise<ComparisonRuns | null> {
  refuseUnread(...candidates.map(({ load }) => load(common)));
  const runs: Compared[] = [];
  const refused: { name: string; why: string }[] = [];
  // What is run without tracking is the same for all trackers of one scenario.
  const bases = new Map<string, RunSummary>();
  for (const { name, load } of candidates) {
    const own: RunSummary[] = [];
    const without: RunSummary[] = [];
    for (const seed of seeds ?? [null]) {
      const overrides = [
        ...common,
        ...(seed === null ? [] : [{ path: ["seed"], value: seed, origin: "--seeds" }]),
      ];
      const loaded = load(overrides);
      let summary: RunSummary | null;
      try {
        summary = await run(loaded, `${name}: `);
      } catch (error) {
        // Several trackers cannot serve every operation; a mistake in the scenario stands in all of them.
        if (!(error instanceof UserError) || candidates.length === 1) throw error;
        refused.push({ name, why: error.message });
        break;
      }
      if (summary === null) return null;
      own.push(summary);
      const plain = untracked(loaded, summary.time);
      const key = JSON.stringify(plain.scenario);
      const base = bases.get(key) ?? (await run(plain, "without tracking: "));
      if (base === null) return null;
      bases.set(key, base);
      without.push(base);
    }
    if (own.length > 0) runs.push({ name, runs: own, bases: without });
  }
  const [first] = refused;
  if (runs.length === 0 && first !== undefined) throw new UserError(`${first.name}: ${first.why}`);
  return { runs, refused };
}
