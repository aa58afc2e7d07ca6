/**
 * How large the runs are: the study's sizes and times, or all of them divided by one number. A page is
 * then used as often as in the study, so counts such as tau stay; where sizes stay, counts are divided.
 */

export interface Scale {
  readonly name: "full" | "quick";
  /** Times and memory sizes are divided by this. */
  readonly divisor: number;
}

export const FULL: Scale = { name: "full", divisor: 1 };
/** The largest divisor that keeps tau = 50 above 1. */
export const QUICK: Scale = { name: "quick", divisor: 25 };

/** Seconds of virtual time as a scenario writes them. */
export function seconds(value: number, { divisor }: Scale): string {
  return `${Math.round((value / divisor) * 1e9)}ns`;
}

/** A count, at least 1. */
export function scaled(count: number, { divisor }: Scale): number {
  return Math.max(1, Math.round(count / divisor));
}

/** What most quick runs divide. */
export const ALL = "memory and times";
export const FULL_SIZE = "full size";

/** For rows: how far they are from full size. @param divides what is divided; null: nothing */
export function scaleText({ divisor }: Scale, divides: string | null): string {
  return divisor === 1 || divides === null ? FULL_SIZE : `${divides} divided by ${divisor}`;
}
