/** What an advice is about: the guests of a scenario, and for how long they are looked at. */
import type { WorkloadConfig } from "../../../workloads/workloadKinds.ts";
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
/** Microseconds that one run of a tracker or an estimator should take at most; one of guests that end, if it is whole then. */
const COST_OF_RUN = 1.5e5;
const COST_OF_WHOLE = 2e6;
/** By which factor trackers slow guests down at most, about. */
const SLOWEST = 100;
/** Less virtual time than this is little. */
const SHORT = CYCLES_PER_SECOND / 100;

/** @throws UserError for a mistake in the scenario, or in what is asked */
export function subjectOf(asked: AdviseAsked): Subject {
  const { scenario } = asked.load(asked.common);
  const { operation, vms } = scenario;
  const isFixed = vms.every(({ workload: { kind } }) => FIXED.has(kind));
  const { until, spanCycles } = spanOf(asked, scenario);
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
      `Trackers and estimators look at ${formatCycles(spanCycles)} of virtual time${partOf(scenario, spanCycles)}, or less where the guests end before.${spanCycles < SHORT ? " So short a time says more of a start than of a guest that runs." : ""}`,
      ...(isFixed && asked.seeds === null
        ? ["The guests do the same with every seed, so one is enough."]
        : []),
      ...(scenario.tracker.initiallySet === true
        ? ["tracker.initiallySet is left out: not every operation can have it."]
        : []),
    ],
  };
}

/** How long trackers and estimators look at the guests, as the field that ends them. */
function spanOf(asked: AdviseAsked, scenario: Scenario): Pick<Subject, "until" | "spanCycles"> {
  const { until: own } = scenario;
  if (asked.span !== undefined) {
    const until = setting("until", asked.span, `--span ${asked.span}`);
    return { until, spanCycles: asked.load([...asked.common, until]).scenario.until ?? 0 };
  }
  const whole = own === undefined ? wholeWork(scenario) : null;
  if (whole !== null && expectedCost(scenario) <= COST_OF_WHOLE) {
    // Trackers slow the guests down: they are let come to their end.
    const end = roundDuration(whole * SLOWEST);
    return { until: setting("until", durationText(end)), spanCycles: roundDuration(whole) };
  }
  const affordable = roundDuration(affordableCycles(scenario, COST_OF_RUN));
  const spanCycles = Math.min(own ?? DEFAULT_SPAN, affordable);
  return { until: setting("until", durationText(spanCycles)), spanCycles };
}

/** Cycles that guests take for their accesses alone, if all of them have a limit; null: some have none. */
function wholeWork({ vms, machine }: Scenario): number | null {
  const { access } = machine.costs.processor;
  const works = vms.map(({ vcpus, workload: { accesses, gap } }) =>
    accesses === undefined ? null : vcpus * accesses * ((gap ?? 0) + access),
  );
  const known = works.filter((one) => one !== null);
  if (known.length < works.length) return null;
  const vcpus = vms.map((vm) => vm.vcpus).reduce((sum, one) => sum + one, 0);
  return known.reduce((sum, one) => sum + one, 0) / Math.min(machine.cpus, vcpus);
}

function partOf({ until: own }: Scenario, spanCycles: number): string {
  return own === undefined || own <= spanCycles
    ? ""
    : `, of the scenario's ${formatCycles(own)} (--span has it otherwise)`;
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
