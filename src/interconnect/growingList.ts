/**
 * A list that only grows, in pieces: states are never changed in place, and to copy a whole list for each new element takes
 * time in its square. Pieces of equal length become one, as digits carry in a binary counter: so each element is copied as often as
 * the list has doubled, and there are as few pieces.
 */

export type Pieces<Element> = readonly (readonly Element[])[];

export function grownBy<Element>(pieces: Pieces<Element>, element: Element): Pieces<Element> {
  const kept = [...pieces];
  // All that become one are known before anything is copied.
  let first = kept.length;
  for (let length = 1; kept[first - 1]?.length === length; length *= 2) first--;
  return [...kept.slice(0, first), [...kept.slice(first).flat(), element]];
}
