/**
 * The timers of one actor, as XState's scheduler keeps them: a timer that is started under the identifier
 * of another does not stop it, but takes the identifier over; and one that ends takes it from whoever has it.
 */
import type { AnyEventObject } from "xstate";
import { itemAt } from "../../lookup.ts";
import type { Timer } from "./spec.ts";

export class Timers {
  /** Those that ran when the step began, without those that were cancelled since. */
  #running: readonly Timer[];
  #started: Timer[] = [];

  constructor(running: readonly Timer[]) {
    this.#running = running;
  }

  start(event: AnyEventObject, delay: number, id: string | null): void {
    this.#release(id);
    this.#started.push({ event, delay, id });
  }

  cancel(id: string): void {
    const remains = (timer: Timer): boolean => timer.id !== id || timer.isLost === true;
    this.#running = this.#running.filter(remains);
    this.#started = this.#started.filter(remains);
  }

  /** Takes away the timer that ends. */
  end(position: number): void {
    const { id } = itemAt(this.#running, position);
    this.#running = this.#running.toSpliced(position, 1);
    this.#release(id);
  }

  /** No timer is found by this identifier any more. */
  #release(id: string | null): void {
    if (id === null) return;
    const released = (timer: Timer): Timer =>
      timer.id === id ? { ...timer, isLost: true } : timer;
    this.#running = this.#running.map(released);
    this.#started = this.#started.map(released);
  }

  /** All timers, in the order of their start; those of one step in the order of their end. */
  get all(): readonly Timer[] {
    const started = this.#started.toSorted((one, other) => one.delay - other.delay);
    return [...this.#running, ...started];
  }
}

/** Positions of the timers that may end next. `ordered`: none that surely ends after another. */
export function nextTimers(timers: readonly Timer[], ordered: boolean): readonly number[] {
  return [...timers.keys()].filter((position) => {
    const { delay } = itemAt(timers, position);
    return !ordered || !timers.slice(0, position).some((earlier) => earlier.delay <= delay);
  });
}
