/** What is noted about the checkpoints of a run: times, pages, and how long output was held. */

import type { Part, WordArray } from "../../../hardware/part.ts";
import { numberAt } from "../../../lookup.ts";

/** Fields of a record. Not yet known: -1. */
export const RECORD_FIELDS = 6;
const Field = { number: 0, time: 1, pages: 2, pause: 3, acknowledged: 4, full: 5 } as const;

/** Positions in `state`. */
export const BookState = {
  records: 0,
  pausedAt: 1,
  resumedAt: 2,
  /** Accesses of all VMs when pages were last copied. */
  accesses: 3,
  /** Output of the checkpoint that is not acknowledged: how much, the sum of its times, its first time. */
  heldCount: 4,
  heldTimes: 5,
  heldFirst: 6,
  /** Output that was released: how much, the sum of its delays, the longest. */
  releasedCount: 7,
  releasedDelay: 8,
  releasedLongest: 9,
} as const;

export interface CheckpointRecord {
  readonly number: number;
  /** Virtual time of its contents, in cycles. */
  readonly time: number;
  readonly pages: number;
  /** Whether it holds all pages. */
  readonly full: boolean;
  /** Cycles that the VMs stood still; null while they do. */
  readonly pause: number | null;
  /** When the storage had it; null if it never had. */
  readonly acknowledged: number | null;
}

export class Book implements Part {
  readonly name = "checkpoint/book";
  readonly #state = new Float64Array(Object.keys(BookState).length);
  #records = new Float64Array(16 * RECORD_FIELDS);

  constructor() {
    this.#state[BookState.pausedAt] = -1;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const records = this.#records.subarray(0, this.count * RECORD_FIELDS);
    return { state: this.#state, records };
  }

  resize(lengths: Readonly<Record<string, number>>): void {
    this.#reserve(lengths["records"] ?? 0);
    this.#state[BookState.records] = (lengths["records"] ?? 0) / RECORD_FIELDS;
  }

  get count(): number {
    return numberAt(this.#state, BookState.records);
  }

  get held() {
    const { releasedCount, releasedDelay, releasedLongest } = BookState;
    const count = numberAt(this.#state, releasedCount);
    const mean = count === 0 ? 0 : numberAt(this.#state, releasedDelay) / count;
    return { outputs: count, meanDelay: mean, maxDelay: numberAt(this.#state, releasedLongest) };
  }

  record(number: number): CheckpointRecord {
    const at = (field: number) => numberAt(this.#records, number * RECORD_FIELDS + field);
    const [pause, acknowledged] = [at(Field.pause), at(Field.acknowledged)];
    return {
      number: at(Field.number),
      time: at(Field.time),
      pages: at(Field.pages),
      full: at(Field.full) === 1,
      pause: pause < 0 ? null : pause,
      acknowledged: acknowledged < 0 ? null : acknowledged,
    };
  }

  notePause(now: number): void {
    this.#state[BookState.pausedAt] = now;
  }

  /** A checkpoint's pages were copied. */
  noteCopy(now: number, pages: number, full: boolean): void {
    const number = this.count;
    this.#reserve((number + 1) * RECORD_FIELDS);
    this.#records.set([number, now, pages, -1, -1, full ? 1 : 0], number * RECORD_FIELDS);
    this.#state[BookState.records] = number + 1;
  }

  /** The VMs go on, or have ended. A checkpoint before they first run does not stop them. */
  noteRelease(now: number): void {
    const pausedAt = numberAt(this.#state, BookState.pausedAt);
    const pause = pausedAt < 0 ? 0 : now - pausedAt;
    this.#records[(this.count - 1) * RECORD_FIELDS + Field.pause] = pause;
    this.#state[BookState.resumedAt] = now;
  }

  noteAcknowledged(now: number): void {
    this.#records[(this.count - 1) * RECORD_FIELDS + Field.acknowledged] = now;
  }

  /**
   * Notes the output of an epoch: one for every `per` accesses, spread evenly over the time that the
   * VMs ran. When it happened within the epoch is not observed.
   */
  holdOutput(accesses: number, per: number): void {
    const state = this.#state;
    const before = numberAt(state, BookState.accesses);
    const from = numberAt(state, BookState.resumedAt);
    const to = numberAt(state, BookState.pausedAt);
    const first = Math.floor(before / per) + 1;
    const count = Math.floor(accesses / per) - first + 1;
    state[BookState.accesses] = accesses;
    if (count <= 0) return;
    const pace = (to - from) / (accesses - before);
    const timeOf = (output: number): number => from + (output * per - before) * pace;
    const last = first + count - 1;
    state[BookState.heldCount] = count;
    state[BookState.heldFirst] = timeOf(first);
    state[BookState.heldTimes] = (count * (timeOf(first) + timeOf(last))) / 2;
  }

  /** What was held goes out. */
  releaseOutput(now: number): void {
    const state = this.#state;
    const count = numberAt(state, BookState.heldCount);
    if (count === 0) return;
    const longest = now - numberAt(state, BookState.heldFirst);
    state[BookState.releasedCount] = numberAt(state, BookState.releasedCount) + count;
    state[BookState.releasedDelay] =
      numberAt(state, BookState.releasedDelay) + count * now - numberAt(state, BookState.heldTimes);
    state[BookState.releasedLongest] = Math.max(
      numberAt(state, BookState.releasedLongest),
      longest,
    );
    state[BookState.heldCount] = 0;
  }

  #reserve(length: number): void {
    if (length <= this.#records.length) return;
    const grown = new Float64Array(Math.max(length, this.#records.length * 2));
    grown.set(this.#records);
    this.#records = grown;
  }
}
