/** How much memory a guest uses: estimates with their spread and their error, for the emulator knows the truth. */
import type { Override } from "../../config/override.ts";
import { formatCycles } from "../../config/units.ts";
import { estimatorNamed } from "../../hypervisor/wss/estimators/all.ts";
import type {
  EstimateResult,
  VmEstimate,
} from "../../system/operations/estimate/estimateResult.ts";
import { estimatorInterval } from "../../system/operations/estimate/estimators.ts";
import type { RunSummary } from "../../system/summary.ts";
import { moments } from "../statistics.ts";
import { lastingPhases, phasesOf } from "./phases.ts";
import type { PlannedRun, RunBook } from "./runBook.ts";
import {
  type Sentence,
  type Spread,
  sentence,
  significant,
  spreadOf,
  spreadText,
} from "./sentence.ts";
import { durationText, roundDuration, setting } from "./settings.ts";
import { planned, type Subject } from "./subject.ts";

/** An estimator and how it is told to a run. */
export interface Estimator {
  readonly name: string;
  readonly overrides: readonly Override[];
}

/** Windows in the time that is looked at, where nobody asks for others. */
const WINDOWS = 10;
/** So many windows at least, or the scenario's own estimator has too little time. */
const WINDOWS_LEAST = 2;
const PAGES_PER_MIB = 256;
/** Phases that are told one by one. */
const PHASES_TOLD = 4;

/** Own estimator included: runs of each seed at most. */
export const ESTIMATORS_MOST = 5;

/** The guests without tracking: how long they run. */
export function planAlone(subject: Subject): PlannedRun {
  const fields = [
    setting("operation", { kind: "measure" }),
    setting("tracker", { technique: "none" }),
    subject.until,
  ];
  return planned(subject, "without tracking", fields, subject.seeds[0] ?? subject.scenario.seed);
}

/** Cycles of a window. @param length of the guests' run, in cycles; @throws UserError for a mistake in --window */
export function windowOf(subject: Subject, length: number): string {
  const { asked, scenario } = subject;
  if (asked.window !== undefined) return asked.window;
  const { operation } = scenario;
  if (operation.kind === "estimate") {
    const own = estimatorInterval(operation.estimator);
    if (own * WINDOWS_LEAST <= length) return durationText(own);
  }
  return durationText(roundDuration(length / WINDOWS));
}

/** @param window as a field has it; @param length as of windowOf */
export function estimators(subject: Subject, window: string, length: number): Estimator[] {
  const { asked, scenario } = subject;
  const { operation } = scenario;
  const origin = asked.window === undefined ? "advise" : `--window ${asked.window}`;
  const of = (name: string, estimator: object): Estimator => ({
    name,
    overrides: [setting("operation", { kind: "estimate", estimator }, origin), subject.until],
  });
  const ofTitle = (estimator: { readonly kind: string; readonly [field: string]: unknown }) =>
    of(estimatorNamed(estimator.kind).title, estimator);
  const isOwnPossible =
    operation.kind === "estimate" &&
    estimatorInterval(operation.estimator) * WINDOWS_LEAST <= length;
  return [
    of("accessed flags", { kind: "accessedBits", interval: window }),
    of("sampling (VMware)", { kind: "vmware", period: window }),
    // Two generations are remembered, so a page that is used once in each window is found.
    ofTitle({
      kind: "prl",
      tau: 1,
      threshold: "at-least",
      mu: window,
      omega: window,
      follow: "ageing",
    }),
    ofTitle({ kind: "pml", interval: window, clean: true }),
    ...(isOwnPossible
      ? [{ name: `the scenario's own (${operation.estimator.kind})`, overrides: [subject.until] }]
      : []),
  ];
}

export function planEstimates(subject: Subject, estimator: Estimator): PlannedRun[] {
  return subject.seeds.map((seed) =>
    planned(subject, `working set by ${estimator.name}`, estimator.overrides, seed),
  );
}

/** Of one VM by one estimator. In pages. */
export interface EstimateAnswer {
  readonly estimator: string;
  readonly runs: readonly PlannedRun[];
  /** Mean over the windows of a run; null: no window has an estimate. */
  readonly pages: Spread | null;
  /** Parts of the truth by which estimates of single windows are off; null: there is none. */
  readonly error: { readonly mean: number; readonly least: number; readonly most: number } | null;
}

export interface WorkingSetAnswer {
  readonly vm: string;
  readonly memoryPages: number;
  readonly windowCycles: number;
  /** The truth; null: no window has ended. */
  readonly truth: Spread | null;
  /** Of the first seed. */
  readonly phases: readonly {
    readonly from: number;
    readonly to: number;
    readonly pages: number;
  }[];
  readonly estimates: readonly EstimateAnswer[];
  readonly refused: readonly { readonly name: string; readonly why: string }[];
  readonly sentences: readonly Sentence[];
}

/** What was planned for an estimator, done. */
export interface Estimated {
  readonly estimator: Estimator;
  readonly runs: readonly PlannedRun[];
}

/** @returns one answer for each VM */
export function workingSetAnswers(
  subject: Subject,
  estimated: readonly Estimated[],
  book: RunBook,
): WorkingSetAnswer[] {
  const able = estimated.flatMap(({ estimator, runs }) => {
    const results = runs.flatMap((run) => {
      const summary = book.summaryOrNull(run);
      return summary === null ? [] : [estimateIn(summary)];
    });
    return results.length < runs.length ? [] : [{ estimator, runs, results }];
  });
  const refused = estimated
    .filter(({ estimator }) => able.every((one) => one.estimator !== estimator))
    .map(({ estimator: { name }, runs }) => ({
      name,
      why: runs.map((run) => book.problem(run)).find((why) => why !== null) ?? "",
    }));
  const [first] = able;
  const names = first?.results[0]?.vms ?? [];
  return names.map((_, vm) => {
    const of = (results: readonly EstimateResult[]): VmEstimate[] =>
      results.flatMap(({ vms }) => vms[vm] ?? []);
    return answerOf(
      subject,
      able.map(({ estimator, runs, results }) => ({
        estimator: estimator.name,
        runs,
        vms: of(results),
        windowCycles: results[0]?.interval ?? 0,
        footprint: results[0]?.footprintPages ?? 0,
      })),
      refused,
    );
  });
}

function estimateIn({ operation }: RunSummary): EstimateResult {
  if (operation.kind !== "estimate") throw new Error("this was no estimation");
  return operation;
}

interface OfVm {
  readonly estimator: string;
  readonly runs: readonly PlannedRun[];
  /** By seed. */
  readonly vms: readonly VmEstimate[];
  readonly windowCycles: number;
  readonly footprint: number;
}

function answerOf(
  subject: Subject,
  all: readonly OfVm[],
  refused: WorkingSetAnswer["refused"],
): WorkingSetAnswer {
  const [standard] = all;
  const vm = standard?.vms[0];
  if (standard === undefined || vm === undefined) throw new Error("there is no estimate");
  const truths = standard.vms.map(({ series }) => series.map(({ truthPages }) => truthPages));
  const known = truths.filter((values) => values.length > 0);
  const times = vm.series.map(({ time }) => time);
  const answer = {
    vm: vm.vm,
    memoryPages: vm.memoryPages,
    windowCycles: standard.windowCycles,
    truth: known.length < truths.length ? null : spreadOver(known),
    phases: lastingPhases(truths[0] ?? []).map(({ first, last, mean }) => ({
      from: (times[first] ?? 0) - standard.windowCycles,
      to: times[last] ?? 0,
      pages: mean,
    })),
    estimates: all.map(estimateAnswer),
    refused,
  };
  return { ...answer, sentences: sentencesOf(subject, answer, standard.runs, truths[0] ?? []) };
}

/** Of each seed the mean over its windows. */
function spreadOver(bySeed: readonly (readonly number[])[]): Spread {
  return spreadOf(bySeed.map((values) => moments(values).mean));
}

function estimateAnswer({ estimator, runs, vms, footprint }: OfVm): EstimateAnswer {
  const found = vms.map(({ series }) => series.flatMap(({ pages }) => pages ?? []));
  const errors = vms.flatMap(({ series }) =>
    series.flatMap(({ pages, truthPages }) =>
      pages === null || truthPages === 0 ? [] : [(pages - footprint - truthPages) / truthPages],
    ),
  );
  return {
    estimator,
    runs,
    pages: found.some((values) => values.length === 0) ? null : spreadOver(found),
    error:
      errors.length === 0
        ? null
        : { mean: moments(errors).mean, least: Math.min(...errors), most: Math.max(...errors) },
  };
}

function sentencesOf(
  { isFixed }: Subject,
  answer: Omit<WorkingSetAnswer, "sentences">,
  runs: readonly PlannedRun[],
  truths: readonly number[],
): Sentence[] {
  const { vm, windowCycles, truth, estimates } = answer;
  const window = formatCycles(windowCycles);
  if (truth === null) {
    const text = `The working set of ${vm} is unknown: no window of ${window} has ended; --span makes the run longer, --window the window shorter.`;
    return [sentence(text, runs)];
  }
  const unsure = truth.half === null && !isFixed ? "; what other seeds do is unknown" : "";
  return [
    sentence(
      `${vm} uses ${mib(truth)} in a window of ${window}, which is the truth, for the emulator knows it${unsure}.`,
      runs,
    ),
    sentence(overTime(answer, truths), runs.slice(0, 1)),
    ...estimates.map((one) => sentence(estimateText(one), one.runs)),
  ];
}

function mib(pages: Spread): string {
  const scale = (value: number) => value / PAGES_PER_MIB;
  const half = pages.half === null ? null : scale(pages.half);
  return spreadText({ ...pages, mean: scale(pages.mean), half }, "MiB");
}

function overTime({ phases }: Pick<WorkingSetAnswer, "phases">, truths: readonly number[]): string {
  const all = phasesOf(truths);
  if (truths.length < WINDOWS_LEAST)
    return "Whether it changes is unknown: one window says nothing.";
  if (all.length === 1) {
    return `It does not change: none of ${truths.length} windows is more than 10 % from their mean.`;
  }
  const of = (pages: number): string => significant(pages / PAGES_PER_MIB);
  if (phases.length < WINDOWS_LEAST || phases.length > PHASES_TOLD) {
    return `It changes all the time: from ${of(Math.min(...truths))} to ${of(Math.max(...truths))} MiB in ${truths.length} windows.`;
  }
  const told = phases.map(
    ({ from, to, pages }) => `${of(pages)} MiB from ${formatCycles(from)} to ${formatCycles(to)}`,
  );
  return `It changes: ${told.join(", ")}.`;
}

function estimateText({ estimator, pages, error }: EstimateAnswer): string {
  if (pages === null || error === null) return `By ${estimator}: unknown, it has no estimate yet.`;
  const { mean, least, most } = error;
  return `By ${estimator}: ${mib(pages)}, ${signed(mean)} of the truth on average, ${signed(least)} to ${signed(most)} in single windows.`;
}

function signed(part: number): string {
  const percent = Number((100 * part).toFixed(1)) || 0;
  return `${percent > 0 ? "+" : ""}${percent} %`;
}
