/**
 * Notices a step of somebody's machine that never ends: a guard, an action, a choice or an observer with a loop of its
 * own keeps the thread, so that neither a bound nor Ctrl-C is heard any more. A second thread looks on, and says which
 * step it is.
 */
import { Worker } from "node:worker_threads";
import { wordAt } from "../../lookup.ts";

/** Words of the shared memory: how many steps have begun, and whether one is under way. */
export const BEGUN = 0;
export const UNDER_WAY = 1;
/** Bytes of the text that says what the step is. */
export const TEXT_LENGTH = 2;
const WORDS = 3;
const TEXT_BYTES = 1024;

export interface WatchTask {
  readonly words: Int32Array;
  readonly text: Uint8Array;
  readonly seconds: number;
}

const words = new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT));
const text = new Uint8Array(new SharedArrayBuffer(TEXT_BYTES));
const encoder = new TextEncoder();
let thread: Worker | null = null;

/**
 * From now on a step that takes longer than this is said on stderr, and the process is killed: nothing less would
 * end it.
 */
export function watchSteps(seconds: number): void {
  if (thread !== null) return;
  const task: WatchTask = { words, text, seconds };
  thread = new Worker(new URL("./stepWatchThread.js", import.meta.url), { workerData: task });
  thread.unref();
}

/** Does the work of a step. @param what says which it is, if it never ends */
export function watched<Result>(what: () => string, work: () => Result): Result {
  if (thread === null) return work();
  const { written } = encoder.encodeInto(what(), text);
  words[TEXT_LENGTH] = written;
  words[BEGUN] = (wordAt(words, BEGUN) + 1) | 0;
  Atomics.store(words, UNDER_WAY, 1);
  try {
    return work();
  } finally {
    Atomics.store(words, UNDER_WAY, 0);
  }
}
