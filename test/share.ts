/**
 * How much of the longest lists of cases `npm test` looks at: some; with TRACKVISOR_LONG=1, as CI has it, all. Which
 * ones stays the same from run to run.
 */
export const IS_LONG = process.env["TRACKVISOR_LONG"] === "1";

/** Each `every`-th of the cases, or all. */
export function shareOf<T>(cases: readonly T[], every: number): readonly T[] {
  return IS_LONG ? cases : cases.filter((_, i) => i % every === 0);
}
