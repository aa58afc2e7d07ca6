/**
 * What an estimator of a working-set size says of itself: one declaration, from which its fields in a scenario, its step
 * in the estimation process, its device and its name in reports are derived. The list is estimators/all.ts.
 */
import type * as z from "zod";
import type { HarvestMode, Technique } from "../../interconnect/messages.ts";
import { type Forget, LOOP_BEGIN, type LoopProgress } from "./hotPageLoop.ts";
import type { Averages } from "./movingAverages.ts";

/** All that an estimator remembers from one interval to the next. */
export interface Progress {
  readonly prl: LoopProgress;
  readonly averages: Averages | null;
  /** Pages; null before the first estimate. */
  readonly estimate: number | null;
  /** What an estimator of a user's remembers, as JSON. */
  readonly own?: string;
}

export const PROGRESS_BEGIN: Progress = { prl: LOOP_BEGIN, averages: null, estimate: null };

/** What was counted: pages of data that are hot, written, touched, or touched among the sample. */
export interface Reading {
  readonly pages: number;
  /** From 1. */
  readonly interval: number;
}

export interface Step {
  readonly progress: Progress;
  readonly stable: boolean;
  readonly ends: boolean;
  readonly forget: Forget;
}

/** Of a sample of pages whose reuse distances are followed. */
export interface Distances {
  readonly rate: number;
  /** 0: no limit. */
  readonly samples: number;
  readonly slack: number;
  readonly points: number;
  readonly adjust: boolean;
}

/** What an estimate is made of, each look. */
export type Source<Rule> =
  /** PRL's counts in the pVM's memory: the tracker is not asked. */
  | {
      readonly of: "counts";
      /** Occurrences that make a page hot, at least. */
      least(rule: Rule): number;
      /** Whether counts of the generation before are kept beside those of the present one. */
      ages(rule: Rule): boolean;
      /** Whether they are kept as a list of all GPAs, and not as counters. */
      isList(rule: Rule): boolean;
      /** The precision of a sketch that is kept in their place (hyperLogLog.ts), which names no pages; absent: none is. */
      sketch?(rule: Rule): number;
      /** A sample whose reuse distances are kept in their place (shards.ts), as entries come; absent: none is. */
      distances?(rule: Rule): Distances;
    }
  /** What the tracker reports. */
  | {
      readonly of: "harvests";
      mode(rule: Rule, interval: number): HarvestMode;
      /** Whether the VM is paused meanwhile: Xen's log-dirty operations do that, scans and samples do not. */
      readonly pausesVm: boolean;
    }
  /** The accesses themselves, which no estimator can know. */
  | { readonly of: "truth" };

/** Pages that are drawn at random, and tracked alone. Its intervals are in the VM's own time (OSDI'02 5.3). */
export interface Sampling<Rule> {
  samples(rule: Rule): number;
  vmPages(rule: Rule): number;
  /** Whether a sampling period ends with this interval. */
  endsPeriod(rule: Rule, interval: number): boolean;
}

/**
 * An estimator: `Config` is what a scenario says, `Rule` the plain data that its process has. Methods are asked only for
 * what is of its own kind.
 */
export interface Estimator<Config = never, Rule = never> {
  /** Its name in scenarios. */
  readonly kind: string;
  /** Its name for people. */
  readonly title: string;
  readonly schema: z.ZodObject;
  technique(rule: Rule): Technique;
  /** Cycles between two looks, and the field that says so. */
  interval(config: Config): number;
  readonly intervalField: string;
  rule(config: Config, vmPages: number): Rule;
  readonly source: Source<Rule>;
  readonly sampling?: Sampling<Rule>;
  step(rule: Rule, before: Progress, reading: Reading): Step;
}

/** Each look's count is the estimate. */
export function countedStep(before: Progress, { pages }: Reading): Step {
  return goesOn({ ...before, estimate: pages });
}

/** A step that is not the last, and after which nothing is forgotten. */
export function goesOn(progress: Progress): Step {
  return { progress, stable: false, ends: false, forget: "nothing" };
}
