/** What an operation that has failed, or was given up, must leave behind: nothing. */
import { schedulerMachine } from "../../../machines/scheduler.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import type { System } from "../../system/system.ts";
import { over, type Property } from "../properties/property.ts";
import { contextReader } from "./actorStates.ts";

export const NOTHING_LEFT =
  "an operation that was given up leaves no pause, no tracking, no throttle";

/** @param isGivenUp of the toolstack: it has given up, and the VMs go on */
export function nothingLeft(
  system: System,
  isGivenUp: (toolstack: ActorSnapshot) => boolean,
): Property {
  const { world, actors } = system;
  const scheduler = contextReader(system, "scheduler", schedulerMachine);
  const trackers = world.vms.map((_, vm) => `vm${vm}/tracker`);
  const throttles = actors.flatMap(({ name }) => (name === "throttle" ? [name] : []));
  return {
    kind: "leadsTo",
    name: NOTHING_LEFT,
    when: over(["toolstack"], isGivenUp),
    that: over(
      ["scheduler", ...trackers, ...throttles],
      (own: ActorSnapshot, ...others: readonly ActorSnapshot[]) =>
        scheduler(own).pausedBy.every((requesters) => requesters.length === 0) &&
        others.every(({ value }) => value === "off"),
    ),
  };
}
