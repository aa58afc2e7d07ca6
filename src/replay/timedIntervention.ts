/** What was done to a run from outside, and when; and the same done again. */
import { type Intervention, InterventionError } from "../system/intervention.ts";
import type { System } from "../system/system.ts";
import type { LogEntry } from "./decoder.ts";

/** What was done to a run, after how many messages. */
export interface TimedIntervention {
  readonly at: number;
  readonly intervention: Intervention;
  /** Where it was read from. */
  readonly where?: string;
}

export function timed({
  position,
  intervention,
  where,
}: Extract<LogEntry, { kind: "intervention" }>): TimedIntervention {
  return { at: position, intervention, ...(where === undefined ? {} : { where }) };
}

/** Does it. @throws InterventionError with the place, if it cannot be done to this run */
export function intervene(system: System, { at, intervention, where }: TimedIntervention): void {
  if (where !== undefined) system.distrust(where);
  try {
    system.intervene(intervention);
  } catch (error) {
    if (!(error instanceof InterventionError) || where === undefined) throw error;
    throw new InterventionError(
      `${where}: "${intervention.kind}" after ${at} messages cannot be done: ${error.message}`,
    );
  }
}
