/** Runs a system to its end from a command: progress, Ctrl-C, and an end for runs that get nowhere. */
import { formatCycles } from "../config/units.ts";
import { UserError } from "../errors.ts";
import { Counter } from "../hardware/counters.ts";
import type { Recorder } from "../replay/recorder.ts";
import type { System } from "../system/system.ts";
import { ProgressLine } from "./progress.ts";

/** Time between two looks at Ctrl-C, and messages between two looks at the clock. */
const SLICE_MS = 50;
const SLICE_MESSAGES = 64;
/** Messages without a single access: the guests get nowhere. */
const STANDSTILL_MESSAGES = 200_000;

interface DriveOptions {
  /** Its failure ends the run. */
  readonly recorder?: Recorder | null;
  /** Before the progress. */
  readonly label?: string;
}

/**
 * Runs to the end, showing progress.
 * @param until virtual time of the end in cycles, if it is known: for the progress
 * @returns whether Ctrl-C ended it. Throws UserError if the guests get nowhere.
 */
export async function drive(
  system: System,
  until: number | undefined,
  { recorder = null, label = "" }: DriveOptions = {},
): Promise<boolean> {
  const progress = new ProgressLine();
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
  };
  process.once("SIGINT", interrupt);
  try {
    const watch = new StandstillWatch(system);
    while (!interrupted && runSlice(system)) {
      watch.look();
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
  return interrupted && !system.done;
}

/** Runs for a moment; false when the run has ended. */
function runSlice(system: System): boolean {
  const end = performance.now() + SLICE_MS;
  do {
    if (system.run(SLICE_MESSAGES) < SLICE_MESSAGES) return false;
  } while (performance.now() < end);
  return true;
}

/** Notices a run without progress: rounds or turns so short that a guest never completes an access. */
class StandstillWatch {
  readonly #system: System;
  #accesses = 0;
  #since = 0;

  constructor(system: System) {
    this.#system = system;
  }

  look(): void {
    const { world, interconnect } = this.#system;
    const accesses = world.vcpus.reduce(
      (sum, { counters }) => sum + counters.values[Counter.accesses]!,
      0,
    );
    if (accesses !== this.#accesses) {
      this.#accesses = accesses;
      this.#since = interconnect.sequence;
    } else if (interconnect.sequence - this.#since > STANDSTILL_MESSAGES) {
      throw new UserError(
        `the guests get nowhere: no access was completed in ${STANDSTILL_MESSAGES} messages. ` +
          "The time between harvests, or a timeslice, is shorter than what one access costs",
      );
    }
  }
}
