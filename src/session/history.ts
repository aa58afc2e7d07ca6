/**
 * How counters grew over the run: looks at a regular distance of virtual time. When there are too many,
 * every other one goes and the distance doubles. So they follow from the run alone.
 */

import { itemAt } from "../lookup.ts";

const LOOKS_MAX = 256;
/** Cycles between two looks at first: 0.1 ms. */
const DISTANCE = 240_000;
/** Looks back that a rate is taken over. */
const RATE_LOOKS = 3;

interface Look {
  readonly time: number;
  readonly values: readonly number[];
}

export class History {
  #distance = DISTANCE;
  #looks: Look[] = [];
  readonly #increments = new Map<number, readonly number[]>();

  get distance(): number {
    return this.#distance;
  }

  /** Virtual time from which on a look is due. */
  get due(): number {
    return (this.#looks.at(-1)?.time ?? -this.#distance) + this.#distance;
  }

  /** A look; times ascend. */
  look(now: number, values: readonly number[]): void {
    // On the grid, whenever the message came that made it due.
    const time = Math.floor(now / this.#distance) * this.#distance;
    this.#looks.push({ time, values });
    while (this.#looks.length > LOOKS_MAX) {
      this.#distance *= 2;
      this.#looks = this.#looks.filter((look) => look.time % this.#distance === 0);
    }
    this.#increments.clear();
  }

  /** What was seen after a time counts no longer. */
  forgetAfter(time: number): void {
    this.#looks = this.#looks.filter((look) => look.time <= time);
    this.#increments.clear();
  }

  /** Increments of a value between looks up to `now`: the same array while there is no further look. */
  increments(value: number, now: number): readonly number[] {
    const count = this.#countUpTo(now);
    const known = this.#increments.get(value);
    if (known !== undefined && known.length === Math.max(0, count - 1)) return known;
    const looks = this.#looks.slice(0, count);
    const made = looks
      .slice(1)
      .map((look, i) => itemAt(look.values, value) - itemAt(itemAt(looks, i).values, value));
    // Frozen once, not with each frame that shows it.
    this.#increments.set(value, Object.freeze(made));
    return made;
  }

  /** When it was looked, up to `now`, and what was seen of a value. */
  course(value: number, now: number): { readonly times: number[]; readonly values: number[] } {
    const looks = this.#looks.slice(0, this.#countUpTo(now));
    return {
      times: looks.map(({ time }) => time),
      values: looks.map(({ values }) => itemAt(values, value)),
    };
  }

  /** What a value gains in one cycle, over the last looks and up to now. */
  rate(value: number, now: number, current: number): number {
    let count = this.#countUpTo(now);
    while (count > 0 && itemAt(this.#looks, count - 1).time === now) count--;
    const from = this.#looks[Math.max(0, count - RATE_LOOKS)];
    if (count === 0 || from === undefined) return 0;
    return (current - itemAt(from.values, value)) / (now - from.time);
  }

  /** Looks up to a time; nearly always all of them. */
  #countUpTo(now: number): number {
    let count = this.#looks.length;
    while (count > 0 && itemAt(this.#looks, count - 1).time > now) count--;
    return count;
  }
}
