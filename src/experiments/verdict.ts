/** How a published figure and an emulated one compare. One set of rules for all experiments. */

/** A figure that the study gives. */
export interface Published {
  readonly value: number;
  /** "at most": the study gives a bound, such as "below 1.5 %". */
  readonly relation?: "equals" | "at most";
  /** How exactly it is known, in its own unit: reading a figure off a plot, or its last digit. */
  readonly within?: number;
  /** A parameter was fitted to it: that it comes out shows nothing. */
  readonly fitted?: boolean;
}

export const VERDICTS = [
  "reproduced",
  "near",
  "same direction",
  "differs",
  "fitted",
  "not published",
] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Whether there is something to explain. */
export function isOff(verdict: Verdict): boolean {
  return !["reproduced", "fitted", "not published"].includes(verdict);
}

/** Part of the published figure. */
export const REPRODUCED = 0.1;
/** Factor between the two. */
export const NEAR = 2;

/** What each verdict means, for reports. */
export const RULES: Readonly<Record<Verdict, string>> = {
  reproduced:
    "within 10 % of the published figure or within the precision to which it is known; or within a published bound",
  near: "same sign, and within a factor of 2 (a bound: exceeded by no more than that)",
  "same direction": "same sign, further away",
  differs: "another sign; or one of them is zero, the other not",
  fitted: "would be reproduced, but a parameter was fitted to it",
  "not published": "the study gives no figure",
};

export interface Comparison {
  readonly published: number | null;
  readonly relation: "equals" | "at most";
  readonly emulated: number;
  /** Emulated less published, in the figure's unit; null if there is none. */
  readonly difference: number | null;
  readonly verdict: Verdict;
}

/** Applies the rules. */
export function compare(published: Published | null, emulated: number): Comparison {
  if (published === null) {
    const verdict = "not published";
    return { published: null, relation: "equals", emulated, difference: null, verdict };
  }
  const { value, relation = "equals", within = 0, fitted = false } = published;
  const difference = emulated - value;
  const own = verdictOf();
  const verdict = fitted && own === "reproduced" ? "fitted" : own;
  return { published: value, relation, emulated, difference, verdict };

  function verdictOf(): Verdict {
    if (Number.isNaN(emulated)) return "differs";
    if (relation === "at most" && emulated <= value + within) return "reproduced";
    if (Math.abs(difference) <= Math.max(within, REPRODUCED * Math.abs(value))) return "reproduced";
    if (value === 0 || emulated === 0 || Math.sign(value) !== Math.sign(emulated)) return "differs";
    const ratio = Math.abs(emulated / value);
    return ratio <= NEAR && ratio >= 1 / NEAR ? "near" : "same direction";
  }
}
