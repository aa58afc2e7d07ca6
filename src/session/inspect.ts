/** One actor or one message in detail. */
import type { System } from "../system/system.ts";
import { entryOf, payloadOf, textOf } from "./describe.ts";
import type { ActorFrame, ActorLine, MessageFrame } from "./frame.ts";
import type { MessageRing } from "./messageRing.ts";
import { chartOf } from "./statechart.ts";
import type { Ways } from "./ways.ts";

/** Messages of a queue that are shown. */
const QUEUE_SHOWN = 12;

export function actorLines(system: System): ActorLine[] {
  const pending = new Map<number, number>();
  for (const { to } of system.interconnect.pending()) pending.set(to, (pending.get(to) ?? 0) + 1);
  return system.actors.map(({ id, name, machine, value }) => ({
    name,
    machine: machine.id,
    state: value,
    pending: pending.get(id) ?? 0,
  }));
}

/** Which actor is looked at, and how it stood behind a message. */
export interface ActorAsked {
  readonly name: string;
  /** Null = its way is not asked for, and it is shown as it is now. */
  readonly way: { readonly at: number } | null;
}

/** Of a session, where an actor is looked at. */
interface ActorPlace {
  readonly system: System;
  readonly ways: Ways;
  readonly position: number;
}

/** Null if there is no such actor. */
export function actorFrame(
  { system, ways, position }: ActorPlace,
  { name, way: asked }: ActorAsked,
): ActorFrame | null {
  const actor = system.actors.find((one) => one.name === name);
  if (actor === undefined) return null;
  const at = Math.min(position, asked?.at ?? position);
  const isKnown = asked !== null && ways.knows(actor, at);
  const { id, machine, live } = actor;
  const queue = system.interconnect.pending().filter(({ to }) => to === id);
  return {
    name,
    machine: machine.id,
    state: at === position ? live.value : isKnown ? ways.stateAt(actor, at) : "",
    at,
    way: isKnown ? ways.of(actor, at) : null,
    pending: queue.length,
    context: Object.entries(live.context).map(([field, value]) => [field, textOf(value)]),
    queue: queue.slice(0, QUEUE_SHOWN).map((delivery) => entryOf(delivery, 0, nameOf(system))),
    states: chartOf(machine),
  };
}

/** Null if the message is no longer kept. */
export function messageFrame(
  system: System,
  ring: MessageRing,
  position: number,
  present: number,
): MessageFrame | null {
  const entry = ring.entry(position);
  const delivery = ring.delivery(position);
  if (entry === undefined || delivery === undefined) return null;
  const cause = ring.causeOf(position);
  const [from, to] = ring.postedWith(position);
  const mine = (sequence: number, sender: number): boolean =>
    sequence > from && sequence <= to && sender === delivery.to;
  const effects = ring.effectsOf(position, present).flatMap((at) => ring.entry(at) ?? []);
  for (const later of system.interconnect.pending()) {
    if (mine(later.sequence, later.from)) effects.push(entryOf(later, 0, nameOf(system)));
  }
  return {
    entry,
    payload: payloadOf(delivery.message, nameOf(system)),
    cause: cause === null ? null : (ring.entry(cause) ?? null),
    effects: effects.slice(0, QUEUE_SHOWN),
  };
}

function nameOf(system: System): (id: number) => string {
  return (id) => system.nameOf(id);
}
