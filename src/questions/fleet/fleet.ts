/** `trackvisor fleet`: the curves that a fleet needs, and its day by each way of sizing VMs. */

import { nearest } from "../../config/nearest.ts";
import { UserError } from "../../errors.ts";
import { fieldOf } from "../../lookup.ts";
import type { KindCurves } from "./curves.ts";
import { Day, type DayResult } from "./day/day.ts";
import type { Sizing } from "./day/guests.ts";
import { type Fleet, refuseMemory } from "./fleetFile.ts";
import { type MeasureOptions, measureCurves } from "./measureCurves.ts";

/** What came of it. */
export interface FleetDays {
  readonly fleet: Fleet;
  readonly kinds: readonly KindCurves[];
  /** By what VMs have, by what they use exactly, and by each tracker. */
  readonly days: readonly DayResult[];
}

/**
 * The fleet with some of its trackers: only their runs are done.
 * @param asked names; undefined: all
 * @param field who asks, for messages
 * @throws UserError
 */
export function withTrackers(
  fleet: Fleet,
  asked: readonly string[] | undefined,
  field = "trackers",
): Fleet {
  if (asked === undefined) return fleet;
  const { trackers } = fleet.config;
  const names = Object.keys(trackers);
  for (const [n, name] of asked.entries()) {
    if (asked.indexOf(name) !== n) throw new UserError(`${field}: has "${name}" twice`);
    if (names.includes(name)) continue;
    throw new UserError(
      `${field}: there is no "${name}"${nearest(name, names)} (trackers of the file: ${names.join(", ")})`,
    );
  }
  const some = Object.fromEntries(asked.map((name) => [name, fieldOf(trackers, name)]));
  return { ...fleet, config: { ...fleet.config, trackers: some } };
}

/**
 * Measures what is not measured yet, and lets the day go by.
 * @throws Interrupted; UserError if a curve cannot be measured, or what was measured does not fit the file
 */
export async function runFleet(fleet: Fleet, options: MeasureOptions): Promise<FleetDays> {
  const kinds = await measureCurves(fleet, options);
  refuseMemory(fleet, ({ name }) => kinds.find((kind) => kind.name === name)?.guests[0]?.memory);
  const days = sizingsOf(fleet).map((sizing) => new Day(fleet.config, kinds, sizing).run());
  return { fleet, kinds, days };
}

function sizingsOf({ config }: Fleet): Sizing[] {
  return [
    { kind: "declared" },
    { kind: "exact" },
    ...Object.keys(config.trackers).map((name): Sizing => ({ kind: "tracker", name })),
  ];
}
