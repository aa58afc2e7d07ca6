/** What a log says about the program that made it: which machines, which actors, which traces. */
import { createHash } from "node:crypto";
import type { AnyStateMachine } from "xstate";
import { VERSION } from "../config/version.ts";
import type { System } from "../system/system.ts";
import type { LogHeader } from "./format.ts";

/** Version of the program that writes logs. */
export const PROGRAM = `trackvisor ${VERSION}`;

/**
 * A digest of a machine's definition: its states, events, guards and actions by name, and the fields of
 * its context. What a guard or an action computes is not in it; that shows in the messages.
 */
function machineDigest(machine: AnyStateMachine, fields: readonly string[]): string {
  const text = JSON.stringify([machine.config, fields]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** Digest of each machine of a system, by its name. */
export function machineDigests(system: System): Record<string, string> {
  const digests: Record<string, string> = {};
  for (const { machine, live } of system.actors) {
    digests[machine.id] ??= machineDigest(machine, Object.keys(live.context));
  }
  return digests;
}

/** What is recorded of a system's origin. */
export interface Origin {
  /** What was run, as plain data: normally a scenario. Whoever replays the log builds the system from it. */
  readonly scenario: unknown;
  /** Where names of trace files in it start. */
  readonly directory?: string;
  readonly parent?: LogHeader["parent"];
}

/** The header of a log of a system that has delivered nothing yet. */
export function headerOf(system: System, { scenario, directory, parent }: Origin): LogHeader {
  return {
    program: PROGRAM,
    scenario,
    directory: directory ?? null,
    traces: tracesOf(system),
    machines: machineDigests(system),
    actors: system.actors.map(({ name, machine }) => ({ name, machine: machine.id })),
    parts: Object.keys(system.digests()),
    parent: parent ?? null,
  };
}

/** The traces that a system plays, with the digests of their accesses. */
export function tracesOf({ world }: System): LogHeader["traces"] {
  return world.vcpus.flatMap(({ stream: { workload } }) =>
    "digest" in workload && typeof workload.digest === "number"
      ? [{ workload: workload.name, digest: workload.digest }]
      : [],
  );
}
