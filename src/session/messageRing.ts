/** The last messages of a run by their position, with what each of them caused. */

import type { Delivery } from "../interconnect/messages.ts";
import { numberAt } from "../lookup.ts";
import type { System } from "../system/system.ts";
import { entryOf, type Names } from "./describe.ts";
import type { StreamEntry } from "./frame.ts";

/** Messages kept. A power of two. */
export const CAPACITY = 1 << 14;

export class MessageRing {
  readonly #deliveries: (Delivery | undefined)[] = new Array(CAPACITY).fill(undefined);
  readonly #positions = new Float64Array(CAPACITY);
  /** Number of messages posted in all, after each. */
  readonly #posted = new Float64Array(CAPACITY);
  readonly #entries: (StreamEntry | undefined)[] = new Array(CAPACITY).fill(undefined);
  readonly #nameOf: Names;

  constructor(system: System) {
    this.#nameOf = (id) => system.nameOf(id);
  }

  /** A message was delivered, again perhaps; `posted` in all after it. */
  note(delivery: Delivery, position: number, posted: number): void {
    const at = position & (CAPACITY - 1);
    this.#deliveries[at] = delivery;
    this.#positions[at] = position;
    this.#posted[at] = posted;
    this.#entries[at] = undefined;
  }

  delivery(position: number): Delivery | undefined {
    const at = position & (CAPACITY - 1);
    return this.#positions[at] === position ? this.#deliveries[at] : undefined;
  }

  entry(position: number): StreamEntry | undefined {
    const delivery = this.delivery(position);
    if (delivery === undefined) return undefined;
    const at = position & (CAPACITY - 1);
    this.#entries[at] ??= entryOf(delivery, position, this.#nameOf);
    return this.#entries[at];
  }

  /** The earliest position up to `end` from which on all are here. */
  first(end: number): number {
    let position = end;
    const least = Math.max(1, end - CAPACITY + 1);
    while (position > least && this.delivery(position - 1) !== undefined) position--;
    return position;
  }

  /** The sequence numbers that were given out while a message was handled: (from, to]. */
  postedWith(position: number): readonly [number, number] {
    const before = this.delivery(position - 1);
    const from = before === undefined ? 0 : numberAt(this.#posted, (position - 1) & (CAPACITY - 1));
    return [from, numberAt(this.#posted, position & (CAPACITY - 1))];
  }

  /** Positions up to `end` of the messages that the one at `position` has caused. */
  effectsOf(position: number, end: number): number[] {
    const cause = this.delivery(position);
    if (cause === undefined) return [];
    const [from, to] = this.postedWith(position);
    const effects: number[] = [];
    for (let at = position + 1; at <= end; at++) {
      const later = this.delivery(at);
      if (later === undefined || later.from !== cause.to) continue;
      if (later.sequence > from && later.sequence <= to) effects.push(at);
    }
    return effects;
  }

  /** Where the message stands that caused the one at `position`. */
  causeOf(position: number): number | null {
    const delivery = this.delivery(position);
    if (delivery === undefined || delivery.from === 0) return null;
    for (let at = position - 1; at > 0; at--) {
      const earlier = this.delivery(at);
      if (earlier === undefined || this.delivery(at - 1) === undefined) return null;
      const [from, to] = this.postedWith(at);
      if (delivery.sequence > from && delivery.sequence <= to) {
        return earlier.to === delivery.from ? at : null;
      }
      if (delivery.sequence > to) return null;
    }
    return null;
  }
}
