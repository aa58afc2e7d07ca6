/**
 * Look-ups that cannot miss: what should be there and is not ends in a sentence, and not in an `undefined` that goes on.
 * Each reader of a typed array takes one type, so that V8 inlines it, and the check costs nothing in a loop.
 */

/** A program's own mistake: it looked for what is not there. */
export class NotThereError extends Error {}

/** A list's element. @throws NotThereError beyond its ends */
export function itemAt<Item>(list: readonly Item[], index: number): Item {
  const item = list[index];
  if (item === undefined) throw outside("element", index, list.length);
  return item;
}

/** What a record has under a name. @throws NotThereError if it has nothing */
export function fieldOf<Value>(record: Readonly<Record<string, Value>>, name: string): Value {
  const value = record[name];
  if (value === undefined) throw notThere(`a field "${name}"`);
  return value;
}

/** What a map has under a key. @throws NotThereError if it has nothing */
export function valueUnder<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined) throw notThere(`what stands under ${String(key)}`);
  return value;
}

/** Whether it is an object with fields, and no list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The names of an object's own fields: of one that has no others than its type says. */
export function namesOf<Name extends string>(object: Readonly<Record<Name, unknown>>): Name[] {
  return Object.keys(object) as Name[];
}

/** A record that has a value for each of its names. */
export function recordOf<Name extends string, Value>(
  names: readonly Name[],
  valueFor: (name: Name) => Value,
): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, valueFor(name)])) as Record<Name, Value>;
}

/** @param what is looked for, as in "the page's leaf". @throws NotThereError if it is not there */
export function present<Value>(value: Value | undefined | null, what: string): Value {
  if (value === undefined || value === null) throw notThere(what);
  return value;
}

/** A word of memory. @throws NotThereError beyond its end */
export function wordAt(words: Int32Array, index: number): number {
  const word = words[index];
  if (word === undefined) throw outside("word", index, words.length);
  return word;
}

/** @throws NotThereError beyond the end */
export function numberAt(numbers: Float64Array, index: number): number {
  const number = numbers[index];
  if (number === undefined) throw outside("number", index, numbers.length);
  return number;
}

/** @throws NotThereError beyond the end */
export function byteAt(bytes: Uint8Array, index: number): number {
  const byte = bytes[index];
  if (byte === undefined) throw outside("byte", index, bytes.length);
  return byte;
}

function outside(what: string, index: number, length: number): NotThereError {
  return new NotThereError(`there is no ${what} ${index}; there are ${length}, from 0`);
}

function notThere(what: string): NotThereError {
  return new NotThereError(`${what} is looked for, and is not there`);
}

/** 0 to Length - 1. */
type IndexBelow<
  Length extends number,
  Counted extends number[] = [],
> = Counted["length"] extends Length
  ? Counted[number]
  : IndexBelow<Length, [...Counted, Counted["length"]]>;

/** A few numbers that have names: `disk[BUSY_UNTIL]` is there by its type, and a constant beyond its end is none. */
export type Words<Length extends number> = Int32Array & Record<IndexBelow<Length>, number>;
/** The same of doubles. */
export type Numbers<Length extends number> = Float64Array & Record<IndexBelow<Length>, number>;

/** So many words, zero. */
export function words<Length extends number>(length: Length): Words<Length> {
  return new Int32Array(length) as Words<Length>;
}

/** So many doubles, zero. */
export function numbers<Length extends number>(length: Length): Numbers<Length> {
  return new Float64Array(length) as Numbers<Length>;
}
