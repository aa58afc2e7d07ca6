/** What commands that run many share: their limits, the store, progress and Ctrl-C. */
import { grouped } from "../config/figures.ts";
import { cacheDirectory } from "../io/cacheDirectory.ts";
import { note } from "../io/standardStreams.ts";
import { Interrupted } from "../runs/pool.ts";
import { wholeNumber } from "./optionParsers.ts";
import { ProgressLine, type RunsHeard, type RunsShown } from "./progress.ts";
import { type RunsSeen, runsScreen } from "./runsLive.ts";

const WORKERS_MAX = 256;
/** More runs are asked about. */
export const RUNS_UNASKED = 1000;

export const WORKERS = [
  "--workers <count>",
  "threads; default: one for each processor",
  wholeNumber(1, WORKERS_MAX),
] as const;
export const STORE = [
  "--store <directory>",
  "where finished runs are kept, none is done twice; default: the user's cache",
] as const;
export const YES = ["--yes", `run more than ${grouped(RUNS_UNASKED)}`] as const;

/** Runs can be done again. */
export function defaultStore(): string {
  return cacheDirectory("runs");
}

/** Does runs. @param signal ends them */
export type RunsAct<Result> = (signal: AbortSignal, onProgress: RunsHeard) => Promise<Result>;

const KEPT = "interrupted; finished runs are kept, and the same command goes on";

/**
 * Does runs, shows how far they are, and ends them by Ctrl-C.
 * @param live what there is to see of them on a screen; null: a line says how far they are
 * @param kept what is said when they were interrupted
 * @returns null if it was interrupted: that was said
 */
export async function withProgress<Result>(
  act: RunsAct<Result>,
  { live = null, kept = KEPT }: { readonly live?: RunsSeen | null; readonly kept?: string } = {},
): Promise<Result | null> {
  const controller = new AbortController();
  const interrupt = () => controller.abort();
  process.once("SIGINT", interrupt);
  const shown = live === null ? progressLines() : await runsScreen(live, interrupt);
  try {
    const result = await act(controller.signal, shown.heard);
    await shown.looked();
    return result;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    shown.close();
    note(kept);
    return null;
  } finally {
    shown.close();
    process.removeListener("SIGINT", interrupt);
  }
}

/** A line on standard error. */
function progressLines(): RunsShown {
  // Each kind of runs has a time of its own.
  const lines = new Map<string, ProgressLine>();
  return {
    heard: (what, { done, total, reused, part }) => {
      const before = reused === 0 ? "" : ` (${reused} from before)`;
      const rate = (seconds: number): string =>
        `${((60 * (done - reused)) / seconds).toFixed(1)} runs/min`;
      const line = lines.get(what) ?? new ProgressLine();
      lines.set(what, line);
      line.update(`${done} of ${total} ${what}${before}`, part, 1, rate);
    },
    looked: () => Promise.resolve(),
    close: () => {
      for (const line of lines.values()) line.clear();
    },
  };
}
