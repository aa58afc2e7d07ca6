/** The names that commands may be given: what is completed while they are typed, and suggested when they are wrong. */
import { TECHNIQUES } from "../hypervisor/techniques/all.ts";
import { operatorSideOf } from "../system/operations/all.ts";
import type { System } from "../system/system.ts";

export interface Vocabulary {
  /** Types of messages that somebody takes here. */
  readonly messages: readonly string[];
  /** Actor's states by its name. */
  readonly states: ReadonlyMap<string, readonly string[]>;
  readonly vcpus: readonly string[];
  readonly vms: readonly string[];
  readonly trackers: readonly string[];
  readonly operations: readonly string[];
}

/** What a breakpoint may watch. */
export const PROPERTIES = ["missed", "crashed"] as const;

export function vocabularyOf(system: System): Vocabulary {
  const { actors, world } = system;
  const events = actors.flatMap(({ machine }) => machine.events.filter((event) => event !== ""));
  return {
    messages: [...new Set(events)].sort(),
    states: new Map(
      actors.map(({ name, machine }) => [name, Object.keys(machine.config.states ?? {})]),
    ),
    vcpus: world.vcpus.map((_, vcpu) => `vcpu${vcpu}`),
    vms: world.vms.map(({ config }) => config.name),
    trackers: TECHNIQUES,
    operations: operatorSideOf(system).side.startable,
  };
}
