/** What an experiment is: a matrix of scenarios, and how their results become rows, a table and plots. */
import type * as z from "zod";
import type { Plot } from "../plots/plot.ts";
import type { scenarioSchema } from "../system/scenarioSchema.ts";
import type { RunSummary } from "../system/summary.ts";
import type { Scale } from "./scale.ts";
import type { Comparison, Published } from "./verdict.ts";

/** A scenario as a file gives it, with units. */
export type ScenarioInput = z.input<typeof scenarioSchema>;

/** One run. */
export interface Point {
  /** Unique within the experiment. */
  readonly name: string;
  readonly scenario: ScenarioInput;
}

/** One figure of the study, or one of ours, with what came out. */
export interface Figure {
  /** What was measured, and under which conditions. */
  readonly quantity: string;
  readonly unit: string;
  /** Null: the study gives none. */
  readonly published: Published | null;
  readonly emulated: number;
  /** How far its runs are from full size, if not as the whole experiment is. */
  readonly scale?: string;
  /** Why it may differ from the published one, as far as the data show: made from the numbers. */
  readonly reason?: string;
}

/** A figure, compared. */
export interface Row extends Comparison {
  readonly experiment: string;
  readonly quantity: string;
  readonly unit: string;
  /** How far the run is from the study's sizes and times. */
  readonly scale: string;
  /** Why it differs; null if it does not, or nothing was published. */
  readonly reason: string | null;
}

export interface Evaluation {
  readonly figures: readonly Figure[];
  readonly plots: readonly Plot[];
  /** What the numbers say beyond the table: each sentence is made from them. */
  readonly findings: readonly string[];
}

export type Results = (point: string) => RunSummary;

export interface Experiment {
  readonly name: string;
  readonly title: string;
  /** Where the published figures stand. */
  readonly source: string;
  /** What the scenarios assume, and which parameters were fitted, and to what. */
  readonly assumptions: readonly string[];
  /** What a quick run divides, in words; null: nothing. */
  readonly divides: string | null;
  points(scale: Scale): readonly Point[];
  evaluate(results: Results, scale: Scale): Evaluation;
}
