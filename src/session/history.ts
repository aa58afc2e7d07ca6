/**
 * How counters grew over the run: looks at a regular distance of virtual time. When there are too many,
 * every other one goes and the distance doubles. So they follow from the run alone.
 */
const LOOKS_MAX = 256;

interface Look {
  readonly time: number;
  readonly values: readonly number[];
}

export class History {
  #distance: number;
  #looks: Look[] = [];

  /** @param distance cycles between two looks at first */
  constructor(distance: number) {
    this.#distance = distance;
  }

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
  }

  /** What was seen after a time counts no longer. */
  forgetAfter(time: number): void {
    this.#looks = this.#looks.filter((look) => look.time <= time);
  }

  /** Increments of a value between looks up to `now`. */
  increments(value: number, now: number): number[] {
    const looks = this.#looks.filter((look) => look.time <= now);
    return looks.slice(1).map((look, i) => look.values[value]! - looks[i]!.values[value]!);
  }

  /** What a value gains in one cycle, over the last looks and up to now. */
  rate(value: number, now: number, current: number): number {
    const looks = this.#looks.filter((look) => look.time < now);
    const from = looks.at(-3) ?? looks[0];
    if (from === undefined || now === from.time) return 0;
    return (current - from.values[value]!) / (now - from.time);
  }
}
