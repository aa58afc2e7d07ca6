/** What is still to happen in a fleet, in order of (time, order of arrival): a binary heap over typed arrays. */

import { numberAt, wordAt } from "../../lookup.ts";

export class Timeline {
  #times = new Float64Array(1024);
  #orders = new Float64Array(1024);
  #kinds = new Int32Array(1024);
  #subjects = new Int32Array(1024);
  #versions = new Int32Array(1024);
  #count = 0;
  #next = 0;

  /** Of the event that pop() has taken out. */
  time = 0;
  kind = 0;
  subject = 0;
  version = 0;

  /** @param version tells an event from those that it has replaced */
  push(time: number, kind: number, subject: number, version = 0): void {
    if (this.#count === this.#times.length) this.#grow();
    let at = this.#count++;
    const order = this.#next++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isAfter(parent, time, order)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, time, order, kind, subject, version);
  }

  /** Takes the earliest event out, into the fields. @returns whether there was one */
  pop(): boolean {
    if (this.#count === 0) return false;
    this.time = numberAt(this.#times, 0);
    this.kind = wordAt(this.#kinds, 0);
    this.subject = wordAt(this.#subjects, 0);
    this.version = wordAt(this.#versions, 0);
    const last = --this.#count;
    if (last > 0) this.#sink(numberAt(this.#times, last), numberAt(this.#orders, last), last);
    return true;
  }

  /** Puts the event at `from` where it belongs, from the root down. */
  #sink(time: number, order: number, from: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#count) break;
      const other = child + 1;
      if (
        other < this.#count &&
        this.#isAfter(child, numberAt(this.#times, other), numberAt(this.#orders, other))
      ) {
        child = other;
      }
      if (this.#isAfter(child, time, order)) break;
      this.#move(child, at);
      at = child;
    }
    this.#move(from, at);
  }

  #isAfter(at: number, time: number, order: number): boolean {
    const own = numberAt(this.#times, at);
    return own > time || (own === time && numberAt(this.#orders, at) > order);
  }

  #move(from: number, to: number): void {
    this.#put(
      to,
      numberAt(this.#times, from),
      numberAt(this.#orders, from),
      wordAt(this.#kinds, from),
      wordAt(this.#subjects, from),
      wordAt(this.#versions, from),
    );
  }

  #put(
    at: number,
    time: number,
    order: number,
    kind: number,
    subject: number,
    version: number,
  ): void {
    this.#times[at] = time;
    this.#orders[at] = order;
    this.#kinds[at] = kind;
    this.#subjects[at] = subject;
    this.#versions[at] = version;
  }

  #grow(): void {
    const larger = <Words extends Float64Array | Int32Array>(from: Words, to: Words): Words => {
      to.set(from);
      return to;
    };
    const length = 2 * this.#times.length;
    this.#times = larger(this.#times, new Float64Array(length));
    this.#orders = larger(this.#orders, new Float64Array(length));
    this.#kinds = larger(this.#kinds, new Int32Array(length));
    this.#subjects = larger(this.#subjects, new Int32Array(length));
    this.#versions = larger(this.#versions, new Int32Array(length));
  }
}
