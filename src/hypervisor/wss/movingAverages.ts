/**
 * Smoothing of VMware's samples: a slow moving average for stability, a fast one that adapts, and the
 * fast one brought up to date with the unfinished period; the estimate is the largest of the three, so
 * that it rises fast and falls slowly (Waldspurger, OSDI'02 5.3). The gains are not published.
 */

export interface Gains {
  readonly slow: number;
  readonly fast: number;
}

/** Fractions of the sample that were touched, averaged; null before the first period has ended. */
export interface Averages {
  readonly slow: number;
  readonly fast: number;
}

/** At the end of a period. The first period's fraction is where both begin. */
export function averageOf(gains: Gains, before: Averages | null, fraction: number): Averages {
  if (before === null) return { slow: fraction, fast: fraction };
  return {
    slow: before.slow + gains.slow * (fraction - before.slow),
    fast: before.fast + gains.fast * (fraction - before.fast),
  };
}

/** The fraction to believe now; `partial` is that of the unfinished period so far, 0 at its start. */
export function largestAverage(gains: Gains, averages: Averages | null, partial: number): number {
  if (averages === null) return partial;
  const { slow, fast } = averages;
  return Math.max(slow, fast, fast + gains.fast * (partial - fast));
}
