/** Runs a system to its end from a command: progress, Ctrl-C, and an end for runs that get nowhere. */
import { formatCycles } from "../config/units.ts";
import type { Recorder } from "../replay/recorder.ts";
import type { System } from "../system/system.ts";
import { ProgressWatch } from "../system/verdict/progressWatch.ts";
import type { Standstill } from "../system/verdict/standstill.ts";
import { ProgressLine } from "./progress.ts";

/** Time between two looks at Ctrl-C, and messages between two looks at the clock. */
const SLICE_MS = 50;
const SLICE_MESSAGES = 64;

interface DriveOptions {
  /** Its failure ends the run. */
  readonly recorder?: Recorder | null;
  /** Before the progress. */
  readonly label?: string;
}

export interface Driven {
  /** Ctrl-C ended it. */
  readonly interrupted: boolean;
  /** It could go no further. */
  readonly standstill: Standstill | null;
}

/**
 * Runs to the end, showing progress.
 * @param until virtual time of the end in cycles, if it is known: for the progress
 * @throws UserError if the guests get nowhere
 */
export async function drive(
  system: System,
  until: number | undefined,
  { recorder = null, label = "" }: DriveOptions = {},
): Promise<Driven> {
  const progress = new ProgressLine();
  const watch = new ProgressWatch(system);
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
  };
  process.once("SIGINT", interrupt);
  try {
    while (!interrupted && runSlice(watch)) {
      if (recorder !== null && recorder.failure !== null) throw recorder.failure;
      const { now, sequence } = system.interconnect;
      progress.update(`${label}${formatCycles(now)} of virtual time`, now, until, (seconds) => {
        return `${Math.round(sequence / seconds).toLocaleString("en")} messages/s`;
      });
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  } finally {
    progress.clear();
    process.removeListener("SIGINT", interrupt);
  }
  const { standstill } = watch;
  return { interrupted: interrupted && !system.done && standstill === null, standstill };
}

/** Runs for a moment; false when the run has ended. */
function runSlice(watch: ProgressWatch): boolean {
  const end = performance.now() + SLICE_MS;
  do {
    if (watch.run(SLICE_MESSAGES) < SLICE_MESSAGES) return false;
  } while (performance.now() < end);
  return true;
}
