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
import { wordAt, words } from "../../lookup.ts";

/** Words of the state. */
const At = {
  /** The interval that is replaced next. */
  oldest: 0,
  /** Pages touched in the window that ended last. */
  windowPages: 1,
} as const;

export class WindowTruth implements Part {
  readonly name: string;
  /** Told in the series alone. */
  readonly statistics = ["truths", { array: "state", from: At.windowPages }];
  readonly settings = ["state"];
  /** Intervals in the window. */
  readonly intervals: number;
  /** The truth of each interval, in turn. */
  readonly truths: Int32Array;
  readonly state = words(2);
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
    return this.state[At.windowPages];
  }

  /** Ends an interval. Returns the pages touched in the window that ends with it. */
  endInterval(guest: GuestPages): number {
    const { truths, intervals, state } = this;
    const length = guest.truth.length;
    foldTruth(guest);
    truths.set(guest.truth, state[At.oldest] * length);
    state[At.oldest] = (state[At.oldest] + 1) % intervals;
    beginWindow(guest);
    state[At.windowPages] = countTouched(this.window());
    return state[At.windowPages];
  }

  /** The pages touched in the window that ended last: two bits a page, as the truth. The same array each time. */
  window(): Int32Array {
    const { truths } = this;
    const union = this.#union;
    const { length } = union;
    union.set(truths.subarray(0, length));
    for (let i = length; i < truths.length; i++) {
      const at = i % length;
      union[at] = wordAt(union, at) | wordAt(truths, i);
    }
    return union;
  }
}
