/**
 * A run that can go no further: no message is under way that could change anything, and its operation has
 * not come to its end. Who stands where, and what each could be moved by, as its machine's definition says.
 */

import { schedulerMachine } from "../../../machines/scheduler.ts";
import { UNIT_STATECHARTS } from "../../../machines/units/all.ts";
import { isIgnored } from "../../interconnect/ignored.ts";
import { rowOf } from "../../interconnect/messages.ts";
import { itemAt } from "../../lookup.ts";
import { contextOf } from "../actorContexts.ts";
import type { SystemActor } from "../actors.ts";
import type { System } from "../system.ts";

/** An actor that something should have come to. */
export interface Waiting {
  readonly actor: string;
  readonly state: string;
  /** Messages and replies of its device that would move it from there. */
  readonly waitsFor: readonly string[];
}

export interface Standstill {
  readonly waiting: readonly Waiting[];
  /** What holds vCPUs that wait for nothing themselves, a phrase each. */
  readonly held: readonly string[];
}

/** States in which an actor may stay for ever without anybody missing anything, by machine. */
export const AT_REST: Readonly<Record<string, readonly string[]>> = {
  balloon: ["resting"],
  dispatcher: ["vacant"],
  estimator: ["done"],
  mmu: ["idle"],
  operator: ["idle"],
  pager: ["resting"],
  ...Object.fromEntries(UNIT_STATECHARTS.map(({ machine, atRest }) => [machine.id, atRest])),
  pvmCpu: ["guest"],
  sampler: ["off", "sampling"],
  scheduler: ["scheduling"],
  throttle: ["off"],
  tracker: ["off", "logging"],
  vcpu: ["ready", "halted"],
};
/** Operations that a session may host: at rest until they are begun, and when they have ended. */
const HOSTED_AT_REST = ["created", "done", "failed"];

/** Null if the run can go on, or has come to its end. */
export function standstillOf(system: System): Standstill | null {
  if (system.done) return null;
  const pending = system.interconnect.pending();
  // Where a guest runs there is more.
  const isIdle = pending.every(({ message }) => rowOf(message.type)?.idle === true);
  return isIdle ? whoWaits(system) : null;
}

/** Who waits for what now, in a run that is known to go no further. */
export function whoWaits(system: System): Standstill {
  const waiting = system.actors
    .filter((actor) => !isAtRest(actor, system))
    .map((actor) => ({ actor: actor.name, state: actor.value, waitsFor: movedBy(actor) }));
  return { waiting, held: heldVcpus(system) };
}

/** One sentence. */
export function standstillText({ waiting, held }: Standstill): string {
  const actors = waiting.map(({ actor, state, waitsFor }) => {
    const what = waitsFor.length === 0 ? "nothing" : alternatives(waitsFor);
    return `${actor} (${state}) waits for ${what}`;
  });
  return `the run can go no further: ${[...actors, ...held].join("; ")}`;
}

function isAtRest({ machine, name, value }: SystemActor, { operation }: System): boolean {
  const states = AT_REST[machine.id];
  if (states !== undefined) return states.includes(value);
  return operation.hosts?.includes(name) === true && HOSTED_AT_REST.includes(value);
}

/** What the present state has a transition for; what is common to all states does not move anybody on. */
function movedBy({ machine, value }: SystemActor): string[] {
  const on = Object.entries(machine.config.states?.[value]?.on ?? {});
  return on.flatMap(([event, transition]) => (isIgnored(transition) ? [] : [event]));
}

/** vCPUs that are neither on a CPU nor halted. */
function heldVcpus(system: System): string[] {
  const context = contextOf(system.actor("scheduler"), schedulerMachine);
  const { vmOfVcpu, pausedBy, held, sleeping, waiting } = context;
  const { vms } = system.world;
  const phrases: string[] = [];
  pausedBy.forEach((requesters, vm) => {
    if (requesters.length === 0) return;
    const names = requesters.map((id) => system.nameOf(id)).join(", ");
    phrases.push(`VM ${itemAt(vms, vm).config.name} is paused by ${names}`);
  });
  for (const vcpu of held) phrases.push(`vCPU ${vcpu} is held by the operator`);
  for (const vcpu of sleeping) phrases.push(`vCPU ${vcpu} sleeps until its page is there`);
  for (const vcpu of waiting) {
    const isPaused = held.includes(vcpu) || itemAt(pausedBy, itemAt(vmOfVcpu, vcpu)).length > 0;
    if (!isPaused) phrases.push(`vCPU ${vcpu} waits for a CPU`);
  }
  return phrases;
}

/** "a, b or c". */
function alternatives(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
