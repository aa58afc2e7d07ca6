/**
 * What the programs really used: the pages touched in the last T, Denning's W(t, T), from the access
 * stream itself. T is a whole number of intervals; the truth of each interval is kept until it is older.
 */
import {
  beginWindow,
  countTouched,
  foldTruth,
  type GuestPages,
} from "../../hardware/guestPages.ts";
import type { Part, WordArray } from "../../hardware/part.ts";

export class WindowTruth implements Part {
  readonly name: string;
  /** Intervals in the window. */
  readonly intervals: number;
  /** The truth of each interval, in turn. */
  readonly truths: Int32Array;
  /** [0]: the interval that is replaced next; [1]: pages touched in the window that ended last. */
  readonly state = new Int32Array(2);
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

  /** Pages touched in the window that ended last. */
  get windowPages(): number {
    return this.state[1]!;
  }

  /** Ends an interval. Returns the pages touched in the window that ends with it. */
  endInterval(guest: GuestPages): number {
    const { truths, intervals, state } = this;
    const words = guest.truth.length;
    foldTruth(guest);
    truths.set(guest.truth, state[0]! * words);
    state[0] = (state[0]! + 1) % intervals;
    beginWindow(guest);
    const union = this.#union;
    union.set(truths.subarray(0, words));
    for (let i = words; i < truths.length; i++) {
      union[i % words] = union[i % words]! | truths[i]!;
    }
    state[1] = countTouched(union);
    return state[1];
  }
}
