/** Where along a parameter an answer becomes another: by factors outwards, then by halving, a bounded number of times. */

/** Answers by factor; null: unknown there. */
export type Labels = ReadonlyMap<number, string | null>;

/** Tried first, from the nearest outwards. */
export const FACTORS = { down: [1 / 2, 1 / 4], up: [2, 4] } as const;
export type Direction = keyof typeof FACTORS;

/** Looks between two factors: each halves the distance, as a ratio. */
export const HALVINGS = 3;

/** An answer stays as it is up to `same`, and at `other` it is another. */
export interface Flip {
  readonly same: number;
  readonly other: number;
  readonly label: string;
}

/** @param base the answer as things are, null: unknown; @returns null if it does not change within what is known */
export function flipOf(base: string | null, labels: Labels, direction: Direction): Flip | null {
  if (base === null) return null;
  let same = 1;
  for (const factor of FACTORS[direction]) {
    const label = labels.get(factor) ?? null;
    // What is unknown there says nothing of what is beyond it.
    if (label === null) return null;
    if (label !== base) return { same, other: factor, label };
    same = factor;
  }
  return null;
}

/** The furthest factor up to which the answer is known to be the same. */
export function sameUpTo(base: string | null, labels: Labels, direction: Direction): number {
  let same = 1;
  for (const factor of FACTORS[direction]) {
    if (base === null || labels.get(factor) !== base) return same;
    same = factor;
  }
  return same;
}

export function between({ same, other }: Flip): number {
  return Math.sqrt(same * other);
}

/** @param label of `between`; null: unknown, which ends the search */
export function narrowed(flip: Flip, base: string | null, label: string | null): Flip {
  if (label === null) return flip;
  const middle = between(flip);
  return label === base ? { ...flip, same: middle } : { ...flip, other: middle, label };
}
