/**
 * How much of the longest lists of cases `npm test` looks at: some; with TRACKVISOR_LONG=1, as CI has it, all but what
 * takes the longest; with TRACKVISOR_LONG=all (`npm run test:all`) everything. Which ones stays the same from run to run.
 */
const LONG = process.env["TRACKVISOR_LONG"];
export const IS_LONG = LONG === "1" || LONG === "all";
export const IS_ALL = LONG === "all";

/** Each `every`-th of the cases; in CI each `everyInCi`-th. */
export function shareOf<T>(cases: readonly T[], every: number, everyInCi = 1): readonly T[] {
  const step = IS_ALL ? 1 : IS_LONG ? everyInCi : every;
  return cases.filter((_, i) => i % step === 0);
}
