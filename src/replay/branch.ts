/**
 * What if: from any point of a recorded run, something else is done, and the run goes on. The branch is a
 * log of its own; it names its parent, and replays like any other.
 */
import type { Intervention } from "../system/intervention.ts";
import type { System } from "../system/system.ts";
import type { LogEnd, LogHeader } from "./format.ts";
import type { LogReader } from "./reader.ts";
import { Recorder } from "./recorder.ts";
import { intervene, type TimedIntervention, timed } from "./timedIntervention.ts";
import type { LogSink } from "./writer.ts";

/** What a log says was done from outside, and who it is. */
export interface LogOutline {
  readonly interventions: readonly TimedIntervention[];
  readonly messages: number;
  /** Identity of the log, for a branch to name its parent. */
  readonly identity: string;
}

/** Reads a whole log, up to its end or its damage. */
export function outlineOf(log: LogReader): LogOutline {
  const interventions: TimedIntervention[] = [];
  for (let entry = log.next(); entry !== undefined; entry = log.next()) {
    if (entry.kind !== "intervention") continue;
    interventions.push(timed(entry));
  }
  const identity = log.digest.toString(16).padStart(8, "0");
  return { interventions, messages: log.position, identity };
}

/**
 * Runs a system from one position up to another, and makes again what was done from outside on the way.
 * @throws InterventionError if something of that cannot be done
 * @returns the position that was reached
 */
export function repeat(
  system: System,
  interventions: readonly TimedIntervention[],
  from: number,
  to: number,
): number {
  let position = from;
  let delivered = 0;
  const subscription = system.interconnect.delivered.subscribe(() => {
    delivered++;
  });
  for (const one of interventions) {
    const { at } = one;
    if (at < from || at >= to) continue;
    system.run(at - position - delivered);
    // The run has ended before.
    if (position + delivered < at) break;
    intervene(system, one);
    position += delivered;
    delivered = 0;
  }
  system.run(to - position - delivered);
  subscription.unsubscribe();
  return position + delivered;
}

export interface Branch {
  /** Messages that it shares with its parent. */
  readonly at: number;
  /** What is done there, in order. */
  readonly interventions: readonly Intervention[];
  /** Whose they are, for what cannot be done. */
  readonly where: string;
  /** Messages after which it is given up, if it does not end. */
  readonly most: number;
}

/**
 * Records a branch.
 * @param system built from the parent's header, with nothing delivered yet; afterwards at the branch's end
 * @throws InterventionError if one of the interventions cannot be made there
 */
export function recordBranch(
  header: LogHeader,
  parent: LogOutline,
  system: System,
  { at, interventions, most, where }: Branch,
  sink: LogSink,
): LogEnd {
  const { scenario, directory } = header;
  const recorder = new Recorder(
    system,
    {
      scenario,
      ...(directory === null ? {} : { directory }),
      parent: { log: parent.identity, at },
    },
    sink,
  );
  repeat(system, parent.interventions, 0, at);
  for (const intervention of interventions) intervene(system, { at, intervention, where });
  system.run(Math.max(0, most - recorder.messages));
  return recorder.finish();
}
