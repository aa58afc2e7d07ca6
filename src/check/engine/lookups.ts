/**
 * What stands at a place of a list, of words, or under a key. That nothing does is a mistake of the program, and is
 * said in a sentence. A reader for each kind of list: one for all would see too many kinds to be compiled into the
 * loops that call it.
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

/** @throws RangeError if there is no such word */
export function wordAt(words: Int32Array, place: number): number {
  const word = words[place];
  if (word === undefined) throw nothingAt(place, words.length);
  return word;
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

/** @throws RangeError if there is no field of this name */
export function fieldOf<Value>(
  fields: Readonly<Record<string, Value>>,
  name: string,
): NonNullable<Value> {
  const value = fields[name];
  if (value == null) throw new RangeError(`nothing is called "${name}"`);
  return value;
}

/** What must be there by now. @throws RangeError if it is not. @param what in words */
export function given<Value>(value: Value, what: string): NonNullable<Value> {
  if (value == null) throw new RangeError(`there is no ${what}`);
  return value;
}
