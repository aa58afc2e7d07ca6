/**
 * Local states and their numbers. A global state is a vector of small numbers, one a slot; what a number
 * stands for is kept once, here. Slots are the states of actors, parts of memory, and channels.
 */

/** Text that is equal exactly for equal plain data: JSON with the keys in order. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== "object" || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries);
  });
}

/** What slots say to those who pack them. */
export interface Watch {
  /** A slot has more values than its field has room for. */
  overflowed: boolean;
  /** Values added. */
  added: number;
}

/** One place of the global state, and every value that it has had. */
export class Slot<Value = unknown> {
  readonly name: string;
  readonly values: Value[] = [];
  /** Values that its field has room for, and where to say that there are more, or new ones. */
  room = Number.POSITIVE_INFINITY;
  watch: Watch = { overflowed: false, added: 0 };
  readonly #ids = new Map<string, number>();

  constructor(name: string) {
    this.name = name;
  }

  /** The number of a value. `key`: equal exactly for equal values. */
  intern(value: Value, key: string = canonical(value)): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.values.length;
    this.values.push(value);
    this.#ids.set(key, id);
    this.watch.added++;
    if (id >= this.room) this.watch.overflowed = true;
    return id;
  }
}
