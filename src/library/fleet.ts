/** A fleet's day, from a program. */
import { runFleet, withTrackers } from "../questions/fleet/fleet.ts";
import { loadFleet } from "../questions/fleet/fleetFile.ts";
import type { FleetReport } from "../questions/fleet/fleetFormat.ts";
import { reportOf } from "../questions/fleet/fleetReport.ts";
import { codeVersion, measuringVersion } from "../runs/codeVersion.ts";
import { Interrupted, type RunProgress } from "../runs/pool.ts";
import { RunStore } from "../runs/runStore.ts";

export interface FleetSettings {
  /** Some of the file's trackers, by name; all if not given. */
  readonly trackers?: readonly string[];
  /** Threads; one for each processor if not given. */
  readonly workers?: number;
  /** A directory where finished runs are kept, so that none is done twice; nothing is kept if not given. */
  readonly store?: string;
  /** Ends the measuring of curves early: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called when a run of a curve has ended. `what`: which runs they are. */
  readonly onProgress?: (what: string, progress: RunProgress) => void;
}

/**
 * Measures the curves of a fleet's guests, and lets its day go by: by what VMs have, by exact estimates, by each tracker.
 * @param file a fleet file, or the name of a shipped one
 * @returns what `trackvisor fleet --json` prints (docs/fleet.schema.json): times in s or ms, memory in pages
 * @throws UserError for a mistake in the file or in what is asked
 */
export async function fleet(file: string, settings: FleetSettings = {}): Promise<FleetReport> {
  const { trackers, workers, store = null, signal, onProgress } = settings;
  const asked = withTrackers(loadFleet(file), trackers);
  try {
    const result = await runFleet(asked, {
      store: new RunStore(store, codeVersion()),
      workers,
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    return reportOf(result, measuringVersion());
  } catch (error) {
    throw error instanceof Interrupted && signal?.aborted ? signal.reason : error;
  }
}
