/** Stretches of a series of numbers in which it stays about the same. */

export interface Phase {
  /** Indices of the first and the last number in it. */
  readonly first: number;
  readonly last: number;
  readonly mean: number;
}

/** What is further from the mean of a phase, as a part of the larger of the two, begins another. */
const TOLERANCE = 0.1;

export function phasesOf(values: readonly number[]): Phase[] {
  const phases: Phase[] = [];
  for (const [n, value] of values.entries()) {
    const phase = phases.at(-1);
    if (phase === undefined || !isLike(value, phase.mean)) {
      phases.push({ first: n, last: n, mean: value });
    } else {
      const count = n - phase.first;
      phases[phases.length - 1] = {
        ...phase,
        last: n,
        mean: (phase.mean * count + value) / (count + 1),
      };
    }
  }
  return phases;
}

function isLike(value: number, mean: number): boolean {
  return Math.abs(value - mean) <= TOLERANCE * Math.max(Math.abs(value), Math.abs(mean));
}

/** Without those of a single number: the way from one phase to the next. */
export function lastingPhases(values: readonly number[]): Phase[] {
  return phasesOf(values).filter(({ first, last }) => last > first);
}
