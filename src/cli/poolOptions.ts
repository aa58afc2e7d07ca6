/** What commands that run many share: their limits, the store, progress and Ctrl-C. */
import { grouped } from "../config/figures.ts";
import { cacheDirectory } from "../io/cacheDirectory.ts";
import { note } from "../io/standardStreams.ts";
import { Interrupted, type RunProgress } from "../runs/pool.ts";
import { wholeNumber } from "./optionParsers.ts";
import { ProgressLine } from "./progress.ts";

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

/**
 * Does runs, shows how far they are, and ends them by Ctrl-C.
 * @param act gets the signal, and who hears of progress: of each kind of runs
 * @returns null if it was interrupted: that was said
 */
export async function withProgress<Result>(
  act: (
    signal: AbortSignal,
    onProgress: (what: string, progress: RunProgress) => void,
  ) => Promise<Result>,
): Promise<Result | null> {
  const lines = new Map<string, ProgressLine>();
  const controller = new AbortController();
  const interrupt = () => controller.abort();
  process.once("SIGINT", interrupt);
  try {
    return await act(controller.signal, (what, { done, total, reused, part }) => {
      const before = reused === 0 ? "" : ` (${reused} from before)`;
      const rate = (seconds: number): string =>
        `${((60 * (done - reused)) / seconds).toFixed(1)} runs/min`;
      // Each kind of runs has a time of its own.
      const line = lines.get(what) ?? new ProgressLine();
      lines.set(what, line);
      line.update(`${done} of ${total} ${what}${before}`, part, 1, rate);
    });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    note("interrupted; finished runs are kept, and the same command goes on");
    return null;
  } finally {
    for (const line of lines.values()) line.clear();
    process.removeListener("SIGINT", interrupt);
  }
}
