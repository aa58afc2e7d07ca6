/** What an estimation process in the pVM asks of the tracker each interval, and what it makes of the answer. */
import type { HarvestMode, Technique } from "../../interconnect/messages.ts";
import type { Progress, Reading, Step } from "./estimator.ts";
import { type EstimatorRule, estimatorOf } from "./estimators/all.ts";

export { PROGRESS_BEGIN, type Progress, type Reading, type Step } from "./estimator.ts";
export type { EstimatorRule } from "./estimators/all.ts";

export function techniqueOf(rule: EstimatorRule): Technique {
  return estimatorOf(rule).technique(rule);
}

/** Whether a sampling period ends with this interval; they are counted from 1. */
export function endsPeriod(rule: EstimatorRule, interval: number): boolean {
  return estimatorOf(rule).sampling?.endsPeriod(rule, interval) === true;
}

/** How the tracker is asked after an interval; null if it is not: PRL's counts lie in the pVM's memory. */
export function harvestOf(rule: EstimatorRule, interval: number): HarvestMode | null {
  const { source } = estimatorOf(rule);
  return source.of === "harvests" ? source.mode(rule, interval) : null;
}

/** Whether the VM is paused meanwhile. */
export function pausesVm(rule: EstimatorRule): boolean {
  const { source } = estimatorOf(rule);
  return source.of === "harvests" && source.pausesVm;
}

/** Whether it is no estimator, and costs nothing. */
export function isTruth(rule: EstimatorRule): boolean {
  return estimatorOf(rule).source.of === "truth";
}

/** Words that the process looks at after a harvest: the sample's counter, or the bitmap that it was given. */
export function wordsOf(rule: EstimatorRule, bitmapWords: number): number {
  return estimatorOf(rule).sampling?.samples(rule) ?? bitmapWords;
}

export function stepOf(rule: EstimatorRule, before: Progress, reading: Reading): Step {
  return estimatorOf(rule).step(rule, before, reading);
}
