/** Orders and combinations, in lists. */

/** All orders of the numbers below `count`, as lists of what each becomes; the first changes nothing. */
export function permutations(count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]];
  return permutations(count - 1).flatMap((shorter) =>
    Array.from({ length: count }, (_, i) => shorter.toSpliced(shorter.length - i, 0, count - 1)),
  );
}
