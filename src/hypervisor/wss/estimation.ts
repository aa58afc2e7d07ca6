/**
 * The five estimators of a working-set size as one kind of step: what an estimation process in the pVM
 * asks of the tracker each interval, and what it makes of the answer.
 */
import type { HarvestMode, Technique } from "../../interconnect/messages.ts";
import { type Averages, averageOf, type Gains, largestAverage } from "./movingAverages.ts";
import { type Forget, PRL_BEGIN, type PrlProgress, type PrlRule, prlStep } from "./prlLoop.ts";

export type EstimatorRule =
  /** Hot pages in the cumulative buffer (VEE21 3.4). */
  | ({ readonly kind: "prl" } & PrlRule)
  /** Pages that PML logged: since the activation (VEE21 2.4, slide 9), or with `clean` in the interval. */
  | { readonly kind: "pml"; readonly clean: boolean }
  /** Random samples (OSDI'02 5.3). */
  | {
      readonly kind: "vmware";
      readonly samples: number;
      readonly vmPages: number;
      /** Intervals, that is looks, in a sampling period. */
      readonly looksPerPeriod: number;
      /** Null: the last period's fraction as it is. */
      readonly gains: Gains | null;
    }
  /** Pages whose A flag was set in the interval. */
  | { readonly kind: "accessedBits" }
  /** What no estimator can know: Denning's W(t, T). */
  | { readonly kind: "truth" };

/** All that an estimator remembers from one interval to the next. */
export interface Progress {
  readonly prl: PrlProgress;
  readonly averages: Averages | null;
  /** Pages; null before the first estimate. */
  readonly estimate: number | null;
}

export const PROGRESS_BEGIN: Progress = { prl: PRL_BEGIN, averages: null, estimate: null };

/** What was counted: pages of data that are hot, written, touched, or touched among the sample. */
export interface Reading {
  readonly pages: number;
  readonly interval: number;
}

export interface Step {
  readonly progress: Progress;
  readonly stable: boolean;
  readonly ends: boolean;
  readonly forget: Forget;
}

export function techniqueOf({ kind }: EstimatorRule): Technique {
  const techniques = {
    prl: "prl",
    pml: "pml",
    vmware: "presentBit",
    accessedBits: "accessedDirtyScan",
    truth: "none",
  } as const;
  return techniques[kind];
}

/** Whether a sampling period ends with this interval; they are counted from 1. */
export function endsPeriod(rule: EstimatorRule, interval: number): boolean {
  return rule.kind === "vmware" && interval % rule.looksPerPeriod === 0;
}

/** How the tracker is asked after an interval; null if it is not: PRL's counts lie in the pVM's memory. */
export function harvestOf(rule: EstimatorRule, interval: number): HarvestMode | null {
  switch (rule.kind) {
    case "pml":
      return rule.clean ? "clean" : "peek";
    case "accessedBits":
      return "clean";
    case "vmware":
      return endsPeriod(rule, interval) ? "clean" : "peek";
    default:
      return null;
  }
}

/** Whether the VM is paused meanwhile: Xen's log-dirty operations do that, scans and samples do not. */
export function pausesVm({ kind }: EstimatorRule): boolean {
  return kind === "pml";
}

export function stepOf(rule: EstimatorRule, before: Progress, reading: Reading): Step {
  if (rule.kind === "prl") {
    const { progress: prl, stable, ends, forget } = prlStep(rule, before.prl, reading.pages);
    return { progress: { ...before, prl, estimate: prl.estimate }, stable, ends, forget };
  }
  const progress =
    rule.kind === "vmware"
      ? sampleStep(rule, before, reading)
      : { ...before, estimate: reading.pages };
  return { progress, stable: false, ends: false, forget: "nothing" };
}

function sampleStep(
  rule: Extract<EstimatorRule, { kind: "vmware" }>,
  before: Progress,
  { pages, interval }: Reading,
): Progress {
  const { gains, samples, vmPages } = rule;
  const fraction = pages / samples;
  const estimateOf = (part: number): number => Math.round(part * vmPages);
  if (gains === null) {
    // Between two periods' ends the last estimate holds.
    return endsPeriod(rule, interval) ? { ...before, estimate: estimateOf(fraction) } : before;
  }
  if (!endsPeriod(rule, interval)) {
    const estimate = estimateOf(largestAverage(gains, before.averages, fraction));
    return { ...before, estimate };
  }
  const averages = averageOf(gains, before.averages, fraction);
  return { ...before, averages, estimate: estimateOf(largestAverage(gains, averages, 0)) };
}
