/** What an advice is about: the guests of a scenario, and for how long they are looked at. */
import type { WorkloadConfig } from "../../../workloads/schema.ts";
import type { Override } from "../../config/override.ts";
import { CYCLES_PER_SECOND, formatCycles } from "../../config/units.ts";
import { expectedCost } from "../../runs/expectedCost.ts";
import type { LoadedScenario } from "../../runs/scenarioFile.ts";
import type { Scenario } from "../../system/scenarioSchema.ts";
import type { PlannedRun } from "./runBook.ts";
import { durationText, lastOfEach, roundDuration, setting } from "./settings.ts";

/** The questions that an advice answers. */
export const QUESTIONS = ["trackers", "migration", "workingSet", "sensitivity"] as const;
export type Question = (typeof QUESTIONS)[number];

export interface AdviseAsked {
  /** The scenario with fields of other values. @throws UserError */
  readonly load: (overrides: readonly Override[]) => LoadedScenario;
  /** Fields that have other values in all runs. */
  readonly common: readonly Override[];
  /** Null: the scenario's own and the two that follow it; its own alone where seeds change nothing. */
  readonly seeds: readonly number[] | null;
  readonly questions: readonly Question[];
  /** As fields of a scenario have them; not given: the scenario's own, or a default. */
  readonly link?: string | undefined;
  readonly downtime?: string | undefined;
  readonly window?: string | undefined;
  /** How long trackers and estimators look at the guests; how long a migration may take. */
  readonly span?: string | undefined;
  readonly horizon?: string | undefined;
}

/** A scenario as the answers take it. */
export interface Subject {
  readonly asked: AdviseAsked;
  readonly scenario: Scenario;
  readonly seeds: readonly number[];
  /** Whether the guests do the same with every seed: they play what was recorded. */
  readonly isFixed: boolean;
  /** Ends runs of trackers and estimators. */
  readonly until: Override;
  readonly spanCycles: number;
  /** What is not as the scenario says, a sentence each. */
  readonly notes: readonly string[];
}

export const SEEDS = 3;
/** Workloads without a random choice. */
const FIXED: ReadonlySet<string> = new Set(["trace", "script"] satisfies WorkloadConfig["kind"][]);
const SEEDS_ALL = 2 ** 32;
/** A guest that has no end of its own is looked at for so long. */
const DEFAULT_SPAN = CYCLES_PER_SECOND;
/** Microseconds that one run of a tracker or an estimator should take at most. */
const COST_OF_RUN = 3e5;

/** @throws UserError for a mistake in the scenario, or in what is asked */
export function subjectOf(asked: AdviseAsked): Subject {
  const { scenario } = asked.load(asked.common);
  const { operation, until: own } = scenario;
  const wanted = own ?? DEFAULT_SPAN;
  const affordable = roundDuration(affordableCycles(scenario, COST_OF_RUN));
  const text = asked.span ?? durationText(Math.min(wanted, affordable));
  const origin = asked.span === undefined ? "advise" : `--span ${asked.span}`;
  const until = setting("until", text, origin);
  const { scenario: bounded } = asked.load([...asked.common, until]);
  const spanCycles = bounded.until ?? wanted;
  const isFixed = scenario.vms.every(({ workload: { kind } }) => FIXED.has(kind));
  const shortened = own !== undefined && spanCycles < own;
  return {
    asked,
    scenario,
    seeds: asked.seeds ?? (isFixed ? [scenario.seed] : nextSeeds(scenario.seed)),
    isFixed,
    until,
    spanCycles,
    notes: [
      ...(operation.kind === "measure"
        ? []
        : [
            `The scenario's own operation is "${operation.kind}"; the advice is about its guests, and each answer has an operation of its own${keptOf(operation.kind)}.`,
          ]),
      ...(shortened
        ? [
            `Trackers and estimators look at the first ${formatCycles(spanCycles)} of the scenario's ${formatCycles(own)}: --span has it otherwise.`,
          ]
        : []),
      ...(isFixed && asked.seeds === null
        ? ["The guests do the same with every seed, so one is enough."]
        : []),
      ...(scenario.tracker.initiallySet === true
        ? ["tracker.initiallySet is left out: not every operation can have it."]
        : []),
    ],
  };
}

function keptOf(kind: Scenario["operation"]["kind"]): string {
  if (kind === "migrate") return "; that of migration keeps its link, policy and start";
  if (kind === "estimate") return "; its estimator is among those that are tried";
  if (kind === "overcommit") return ", on a host with enough memory";
  return "";
}

function nextSeeds(first: number): number[] {
  return Array.from({ length: SEEDS }, (_, n) => (first + n) % SEEDS_ALL);
}

/** Virtual time that a run can have without taking longer than `microseconds`, about. */
export function affordableCycles(scenario: Scenario, microseconds: number): number {
  const second = expectedCost({ ...scenario, until: CYCLES_PER_SECOND });
  return (microseconds / second) * CYCLES_PER_SECOND;
}

/** Fields of every run of an advice: what only some operations can have is taken out. */
export function commonOf({ asked, scenario }: Subject): Override[] {
  const { tracker } = scenario;
  const out = tracker.initiallySet === true ? [setting("tracker.initiallySet", null)] : [];
  return [...asked.common, ...out];
}

/** A run of these guests. */
export function planned(
  subject: Subject,
  purpose: string,
  own: readonly Override[],
  seed: number,
): PlannedRun {
  const overrides = lastOfEach([...commonOf(subject), ...own, setting("seed", seed)]);
  return { purpose: `${purpose}, seed ${seed}`, overrides, order: subject.asked.load(overrides) };
}
