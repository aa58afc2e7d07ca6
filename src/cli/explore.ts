/** One search of the checker to its end or to Ctrl-C, in slices, and who watches it. */
import type { CheckRun } from "../check/checkRun.ts";
import { grouped } from "../config/figures.ts";
import { ProgressLine } from "./progress.ts";

/** Time between two looks at Ctrl-C. */
const SLICE_SECONDS = 0.2;

/** Hears how far a search is; it changes nothing of it. */
export interface CheckWatch {
  /** Time between two slices, at which keys are heard. */
  readonly sliceSeconds: number;
  explored(): void;
  judged(): void;
  /** It is over. */
  ended(): void;
}

/** A line on standard error. */
export function lineWatch({ target: { model }, exploration }: CheckRun): CheckWatch {
  const progress = new ProgressLine();
  return {
    sliceSeconds: SLICE_SECONDS,
    explored: () => {
      const { distinct, generated, depth } = exploration;
      const text = `${model}: ${grouped(distinct)} states, depth ${depth}`;
      progress.update(text, generated, undefined, (seconds) => {
        return `${grouped(Math.round(generated / seconds))} generated/s`;
      });
    },
    judged: () => {
      const text = `${model}: ${grouped(exploration.distinct)} states, judging liveness`;
      progress.update(text, 0, undefined, (seconds) => `${seconds.toFixed(0)} s`);
    },
    ended: () => progress.clear(),
  };
}

/**
 * Explores and judges to the end, to Ctrl-C, or until somebody aborts it.
 * @returns whether it was ended before its end
 */
export async function explore(
  run: CheckRun,
  watch: CheckWatch,
  controller = new AbortController(),
): Promise<boolean> {
  const { signal } = controller;
  const interrupt = (): void => controller.abort();
  process.once("SIGINT", interrupt);
  try {
    while (!signal.aborted && run.explore(watch.sliceSeconds)) {
      watch.explored();
      await takeTurns();
    }
    while (!signal.aborted && run.judge(watch.sliceSeconds)) {
      watch.judged();
      await takeTurns();
    }
    if (signal.aborted) run.giveUp();
  } finally {
    watch.ended();
    process.removeListener("SIGINT", interrupt);
  }
  return signal.aborted;
}

/** Signals and keys are heard between two pieces of work. */
function takeTurns(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
