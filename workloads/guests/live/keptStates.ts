/** States of a live guest from which it can be run again: a few, the further back the further apart. */
import type { GuestState } from "./guestThread.ts";

/** Beside the beginning, which follows from the scenario. A state of a Linux takes some 40 MB. */
const STATES_MAX = 4;

export class KeptStates<State> {
  readonly #states: GuestState<State>[] = [];

  add(state: GuestState<State>): void {
    if (this.#states.some(({ block }) => block === state.block)) return;
    this.#states.push(state);
    this.#states.sort((a, b) => a.block - b.block);
    if (this.#states.length > STATES_MAX) this.#states.splice(this.#leastUseful(), 1);
  }

  /** The last one at or before a block; undefined: the beginning. */
  before(block: number): GuestState<State> | undefined {
    return this.#states.findLast((one) => one.block <= block);
  }

  /** Those behind the beginning of this block were never. */
  forgetAfter(block: number): void {
    const end = this.#states.findIndex((one) => one.block > block);
    if (end >= 0) this.#states.splice(end);
  }

  /** That which leaves the smallest gap for its distance from the last one, which stays. */
  #leastUseful(): number {
    const blocks = this.#states.map(({ block }) => block);
    const last = blocks.at(-1) ?? 0;
    const costs = blocks.slice(0, -1).map((block, i) => {
      const gap = (blocks[i + 1] ?? last) - (blocks[i - 1] ?? 0);
      return gap / (last - block + 1);
    });
    return costs.indexOf(Math.min(...costs));
  }
}
