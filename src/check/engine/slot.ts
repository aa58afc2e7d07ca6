/**
 * Local states and their numbers. A global state is a vector of small numbers, one a slot; what a number
 * stands for is kept once, here. Slots are the states of actors, parts of memory, and channels.
 */

import { itemAt } from "../../lookup.ts";
import { canonical } from "./encoding.ts";

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
  /** By number: what each value was told from others by. */
  readonly #keys: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /**
   * The number of a value. `key`: equal exactly for equal values.
   * @throws UserError if the value holds what cannot be compared
   */
  intern(value: Value, key: string = canonical(value, this.name)): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.values.length;
    this.values.push(value);
    this.#ids.set(key, id);
    this.#keys.push(key);
    this.watch.added++;
    if (id >= this.room) this.watch.overflowed = true;
    return id;
  }

  /** What a value was told from others by when it got its number. */
  keyOf(id: number): string {
    return itemAt(this.#keys, id);
  }
}
