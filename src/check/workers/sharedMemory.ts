/** What the threads of a parallel search share: a barrier, their counters, boxes for states, and one for what is new. */

/** Words of packed states in one box, and states at most. */
import { itemAt, numberAt, present } from "../../lookup.ts";

const BOX_WORDS = 1 << 21;
const BOX_STATES = 1 << 18;
/** States of one thread that wait for something new to be worked out. */
export const MOST_PENDING = 256;
const PENDING_WORDS = 1 << 8;

const ARRIVED = 0;
const TURN = 1;
const FAILED = 2;

/** By thread: numbers that all of them look at after a barrier. */
export const COUNTERS = [
  "states",
  "generated",
  "expanded",
  "left",
  "pending",
  "broken",
  "lookups",
  "last",
] as const;
export type Counter = (typeof COUNTERS)[number];

export interface SharedBuffers {
  readonly threads: number;
  readonly control: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  /** By sender and receiver: see Box. */
  readonly boxes: readonly (readonly SharedArrayBuffer[])[];
  /** By thread. */
  readonly pending: readonly SharedArrayBuffer[];
}

export function sharedBuffers(threads: number): SharedBuffers {
  const words = (count: number): SharedArrayBuffer => new SharedArrayBuffer(4 * count);
  return {
    threads,
    control: words(FAILED + 1),
    counters: new SharedArrayBuffer(8 * threads * COUNTERS.length),
    boxes: Array.from({ length: threads * threads }, (_, pair) =>
      // Nobody writes to himself.
      pair % (threads + 1) === 0
        ? []
        : [words(BOX_WORDS), words(1), words(BOX_STATES), words(BOX_STATES)],
    ),
    pending: Array.from({ length: threads }, () => words(1 + MOST_PENDING * PENDING_WORDS)),
  };
}

/** States on their way from one thread to another. */
export interface Box {
  readonly words: Int32Array;
  /** One word: the number of states. */
  readonly size: Int32Array;
  readonly hashes: Int32Array;
  readonly parents: Int32Array;
}

export class SharedMemory {
  readonly threads: number;
  readonly #control: Int32Array;
  readonly #counters: Float64Array;
  readonly #boxes: readonly (Box | null)[];
  readonly #pending: readonly Int32Array[];

  constructor({ threads, control, counters, boxes, pending }: SharedBuffers) {
    this.threads = threads;
    this.#control = new Int32Array(control);
    this.#counters = new Float64Array(counters);
    this.#boxes = boxes.map(([words, size, hashes, parents]) => {
      if (words === undefined) return null;
      return {
        words: new Int32Array(words),
        size: new Int32Array(size!),
        hashes: new Int32Array(hashes!),
        parents: new Int32Array(parents!),
      };
    });
    this.#pending = pending.map((buffer) => new Int32Array(buffer));
  }

  box(from: number, to: number): Box {
    return present(this.#boxes[from * this.threads + to], "the box between two threads");
  }

  /** States that fit into a box. */
  static room(width: number): number {
    return Math.min(BOX_STATES, Math.floor(BOX_WORDS / width));
  }

  /** Of a thread: how many states wait, then for each its number there and its packed words. */
  pending(thread: number): Int32Array {
    return itemAt(this.#pending, thread);
  }

  /** Where a waiting state begins. */
  static pendingAt(index: number): number {
    return 1 + index * PENDING_WORDS;
  }

  publish(thread: number, counter: Counter, value: number): void {
    this.#counters[thread * COUNTERS.length + COUNTERS.indexOf(counter)] = value;
  }

  of(thread: number, counter: Counter): number {
    return numberAt(this.#counters, thread * COUNTERS.length + COUNTERS.indexOf(counter));
  }

  sum(counter: Counter): number {
    let sum = 0;
    for (let thread = 0; thread < this.threads; thread++) sum += this.of(thread, counter);
    return sum;
  }

  /** Waits until all threads are here. @throws if another has failed */
  barrier(): void {
    const control = this.#control;
    const turn = Atomics.load(control, TURN);
    if (Atomics.add(control, ARRIVED, 1) === this.threads - 1) {
      Atomics.store(control, ARRIVED, 0);
      Atomics.add(control, TURN, 1);
      Atomics.notify(control, TURN);
    } else while (Atomics.load(control, TURN) === turn) Atomics.wait(control, TURN, turn, 1000);
    if (Atomics.load(control, FAILED) === 1) {
      throw new Error("another thread of the search has failed");
    }
  }

  /** Says at every barrier that this thread has failed. */
  fail(): void {
    Atomics.store(this.#control, FAILED, 1);
    Atomics.add(this.#control, TURN, 1);
    Atomics.notify(this.#control, TURN);
  }
}
