/** What the benchmarks share: rounds, medians, and the form of a result. */
import { performance } from "node:perf_hooks";

/** Rounds that a median is taken over. */
export const ROUNDS = 7;

/** What is asked of a value. */
export type Bar = { readonly atLeast: number } | { readonly atMost: number };

export interface Result {
  readonly what: string;
  /** Null if it was not measured; then `note` says why. */
  readonly value: number | null;
  readonly unit: string;
  /** Without one, the value is for information. */
  readonly bar?: Bar;
  readonly note?: string;
}

export type Status = "ok" | "below" | "skipped" | "info";

/** Two programs that should do the same work did not. */
export class CounterMismatchError extends Error {}

/** One benchmark: a name for --only, and how to run it. */
export interface Benchmark {
  readonly name: string;
  run(): Promise<readonly Result[]>;
}

export function statusOf({ value, bar }: Result): Status {
  if (value === null) return "skipped";
  if (bar === undefined) return "info";
  const met = "atLeast" in bar ? value >= bar.atLeast : value <= bar.atMost;
  return met ? "ok" : "below";
}

/** Wall-clock seconds that `work` takes. */
export function secondsOf(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value that so large a part of all does not exceed. */
export function percentile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? Number.NaN;
}
