/**
 * What the programs really used: the pages touched in the last T, Denning's W(t, T), from the access
 * stream itself. T is a whole number of intervals; the truth of each interval is kept until it is older.
 */
import { beginWindow, countTouched, type GuestPages } from "../../hardware/guestPages.ts";
import type { Part, WordArray } from "../../hardware/part.ts";

export class WindowTruth implements Part {
  readonly name: string;
  /** Intervals in the window. */
  readonly intervals: number;
  /** The truth of each interval, in turn. */
  readonly truths: Int32Array;
  /** [0]: the interval that is replaced next. */
  readonly state = new Int32Array(1);
  readonly #union: Int32Array;

  constructor(name: string, guest: GuestPages, intervals: number) {
    this.name = name;
    this.intervals = intervals;
    this.truths = new Int32Array(guest.truth.length * intervals);
    this.#union = new Int32Array(guest.truth.length);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { truths: this.truths, state: this.state };
  }

  /** Ends an interval. Returns the pages touched in the window that ends with it. */
  endInterval(guest: GuestPages): number {
    const words = guest.truth.length;
    const slot = this.state[0]!;
    this.truths.set(guest.truth, slot * words);
    this.state[0] = (slot + 1) % this.intervals;
    beginWindow(guest);
    if (this.intervals === 1) return countTouched(this.truths);
    const union = this.#union;
    union.fill(0);
    for (let i = 0; i < this.truths.length; i++) {
      union[i % words] = union[i % words]! | this.truths[i]!;
    }
    return countTouched(union);
  }
}
