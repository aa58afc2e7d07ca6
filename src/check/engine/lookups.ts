/**
 * Look-ups of the checker's lists, as those of src/lookup.ts. Lists here hold null as well, where there is nothing; and
 * numbers stand in lists and in arrays of several kinds.
 */

function nothingAt(place: number, length: number): RangeError {
  return new RangeError(`nothing is at place ${place} of a list of ${length}`);
}

/** @throws RangeError if nothing is there */
export function itemAt<T>(list: readonly T[], place: number): NonNullable<T> {
  const item = list[place];
  if (item == null) throw nothingAt(place, list.length);
  return item;
}

/** Of any kind of numbers. @throws RangeError if there is no such number */
export function numberAt(numbers: ArrayLike<number>, place: number): number {
  const number = numbers[place];
  if (number === undefined) throw nothingAt(place, numbers.length);
  return number;
}

/** @throws RangeError if the map does not know the key */
export function valueUnder<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined) throw new RangeError(`nothing is known of ${String(key)}`);
  return value;
}
