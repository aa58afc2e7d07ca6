/**
 * Bursts of guests that are under way. A burst is performed when it is asked for, in one piece, and ends at a later virtual
 * time: what it has done to memory, logs and counters lies ahead of the time at which it was asked for. Its end is a message of
 * the MMU that is still in the queue (machines/mmu.ts: every reply of a burst becomes one).
 */
import type { System } from "../system/system.ts";
import type { BurstFrame } from "./frame.ts";

/** In the order of the CPUs. */
export function burstsUnderWay(system: System): BurstFrame[] {
  return system.actors.flatMap(({ id }) => burstOf(system, id) ?? []);
}

/** The burst that an actor has under way; undefined if it has none, or is no MMU. */
export function burstOf(system: System, actor: number): BurstFrame | undefined {
  const { world, actors } = system;
  const role = actors.find(({ id }) => id === actor)?.role;
  if (role?.kind !== "mmu") return undefined;
  const until = endsBySender(system).get(actor);
  const { pcpu } = role;
  const vcpu = (world.loaded.vcpus[pcpu] ?? 0) - 1;
  const vm = world.vcpus[vcpu]?.vm;
  return until === undefined || vm === undefined ? undefined : { pcpu, vcpu, vm, until };
}

/** When what an actor has begun ends: its burst, if it is an MMU that performs one; else now. In cycles. */
export function endOfBurst(system: System, actor: number): number {
  const { now } = system.interconnect;
  return isMmu(system, actor) ? (endsBySender(system).get(actor) ?? now) : now;
}

/** Sequence numbers of the messages that end bursts under way. */
export function endsOfBursts(system: System): number[] {
  const { interconnect } = system;
  return interconnect
    .pending()
    .filter(({ from, time }) => time > interconnect.now && isMmu(system, from))
    .map(({ sequence }) => sequence);
}

function isMmu({ actors }: System, actor: number): boolean {
  return actors.some(({ id, role }) => id === actor && role.kind === "mmu");
}

/** By actor: the time of the last of its messages that lie ahead. */
function endsBySender({ interconnect }: System): ReadonlyMap<number, number> {
  const ends = new Map<number, number>();
  for (const { from, time } of interconnect.pending()) {
    if (time > interconnect.now) ends.set(from, Math.max(time, ends.get(from) ?? 0));
  }
  return ends;
}
