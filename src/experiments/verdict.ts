/** How a published figure and an emulated one compare. One set of rules for all experiments. */

import { itemAt } from "../lookup.ts";
import { halfWidth, moments } from "../questions/statistics.ts";

/** A figure that the study gives. */
export interface Published {
  readonly value: number;
  /** "at most": the study gives a bound, such as "below 1.5 %". */
  readonly relation?: "equals" | "at most";
  /** How exactly it is known, in its own unit: reading a figure off a plot, or its last digit. */
  readonly within?: number;
  /** A parameter was fitted to it: that it comes out shows nothing. */
  readonly fitted?: boolean;
  /** The 95 % interval in which the study's own data leave it. */
  readonly noise?: readonly [low: number, high: number];
  /**
   * What a model without the mechanism would give, or a constant: if that is as good, the figure is no evidence for a model.
   * Null: there is no such model.
   */
  readonly plain: number | null;
}

export const VERDICTS = [
  "reproduced",
  "explained by a constant",
  "inside the study's noise",
  "near",
  "same direction",
  "differs",
  "fitted",
  "not published",
] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Whether there is something to explain. */
export function isOff(verdict: Verdict): boolean {
  return verdict === "near" || verdict === "same direction" || verdict === "differs";
}

/** Part of the published figure. */
export const REPRODUCED = 0.1;
/** Factor between the two. */
export const NEAR = 2;

/** What each verdict means, for reports. With several seeds it has to be true of the whole 95 % interval of their mean. */
export const RULES: Readonly<Record<Verdict, string>> = {
  reproduced:
    "within 10 % of the published figure or within the precision to which it is known, or within a published bound; and a constant, or the model without the mechanism, would not be",
  "explained by a constant":
    "as reproduced, but so is a constant, or the model without the mechanism: no evidence",
  "inside the study's noise":
    "inside the interval, with no effect in it, that the study's own series leave: no evidence",
  near: "same sign, and within a factor of 2 (a bound: exceeded by no more than that)",
  "same direction": "same sign, further away",
  differs: "another sign; or one of them is zero, the other not",
  fitted: "would be reproduced, but a parameter was fitted to it",
  "not published": "the study gives no figure",
};

export interface Comparison {
  readonly published: number | null;
  readonly relation: "equals" | "at most";
  /** The mean of the seeds. */
  readonly emulated: number;
  /** Its 95 % interval by Student's t; the figure itself if it is the same with every seed, or there was one. */
  readonly low: number;
  readonly high: number;
  /** What came out with each seed, in their order; one alone if it is the same with all. */
  readonly values: readonly number[];
  /** What a model without the mechanism gives; null if there is none. */
  readonly plain: number | null;
  /** Emulated less published, in the figure's unit; null if there is none. */
  readonly difference: number | null;
  readonly verdict: Verdict;
}

/** Applies the rules. @param values what came out with each seed; one alone if it is the same with all */
export function compare(published: Published | null, values: readonly number[]): Comparison {
  const emulated = values.length === 1 ? itemAt(values, 0) : moments(values).mean;
  const half = halfWidth(values);
  const own = { emulated, low: emulated - half, high: emulated + half, values };
  if (published === null) {
    const verdict = "not published";
    const nothing = { published: null, relation: "equals", plain: null, difference: null } as const;
    return { ...nothing, ...own, verdict };
  }
  const { value, relation = "equals", plain } = published;
  const verdict = verdictOf(published, own);
  return { published: value, relation, ...own, plain, difference: emulated - value, verdict };
}

function verdictOf(published: Published, { low, high }: Pick<Comparison, "low" | "high">): Verdict {
  const { fitted = false, noise, plain } = published;
  if (noise !== undefined && [0, low, high].every((value) => isInside(noise, value))) {
    return "inside the study's noise";
  }
  // What is reproduced is an interval around the published figure, so that the ends speak for all between them.
  const ends = [low, high].map((end) => CLOSENESS.indexOf(closeness(published, end)));
  const own = itemAt(CLOSENESS, Math.max(...ends));
  if (own !== "reproduced") return own;
  if (fitted) return "fitted";
  return plain !== null && closeness(published, plain) === "reproduced"
    ? "explained by a constant"
    : "reproduced";
}

function isInside([low, high]: readonly [number, number], value: number): boolean {
  return low <= value && value <= high;
}

/** From the best to the worst. */
const CLOSENESS = ["reproduced", "near", "same direction", "differs"] as const;
type Closeness = (typeof CLOSENESS)[number];

function closeness(
  { value, relation = "equals", within = 0 }: Published,
  found: number,
): Closeness {
  if (Number.isNaN(found)) return "differs";
  if (relation === "at most" && found <= value + within) return "reproduced";
  const difference = Math.abs(found - value);
  if (difference <= Math.max(within, REPRODUCED * Math.abs(value))) return "reproduced";
  if (value === 0 || found === 0 || Math.sign(value) !== Math.sign(found)) return "differs";
  const ratio = Math.abs(found / value);
  return ratio <= NEAR && ratio >= 1 / NEAR ? "near" : "same direction";
}
