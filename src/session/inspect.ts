/** One actor or one message in detail. */
import type { AnyStateMachine } from "xstate";
import type { System } from "../system/system.ts";
import { entryOf, payloadOf, textOf } from "./describe.ts";
import type { ActorFrame, ActorLine, ChartState, MessageFrame } from "./frame.ts";
import type { MessageRing } from "./messageRing.ts";

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

/** Null if there is no such actor. */
export function actorFrame(system: System, name: string): ActorFrame | null {
  const actor = system.actors.find((one) => one.name === name);
  if (actor === undefined) return null;
  const { id, machine, live } = actor;
  const queue = system.interconnect.pending().filter(({ to }) => to === id);
  return {
    name,
    machine: machine.id,
    state: live.value,
    pending: queue.length,
    context: Object.entries(live.context).map(([field, value]) => [field, textOf(value)]),
    queue: queue.slice(0, QUEUE_SHOWN).map((delivery) => entryOf(delivery, 0, nameOf(system))),
    states: chartOf(machine),
  };
}

interface TransitionText {
  readonly target?: string;
  readonly guard?: unknown;
  readonly actions?: unknown;
}

/** The statechart as written: states in order, each with its transitions, those of the machine last. */
export function chartOf(machine: AnyStateMachine): ChartState[] {
  const { states = {}, on } = machine.config;
  const own = Object.entries(states).map(([name, state]) => ({
    name,
    transitions: [
      ...transitionsOf(state.on ?? {}),
      ...transitionsOf({ always: state.always ?? [] }),
    ],
  }));
  const everywhere = transitionsOf(on ?? {});
  return everywhere.length === 0 ? own : [...own, { name: "any", transitions: everywhere }];
}

function transitionsOf(on: object): ChartState["transitions"] {
  return Object.entries(on).flatMap(([event, value]) =>
    [value].flat().map((one: string | TransitionText) => {
      const transition = typeof one === "string" ? { target: one } : one;
      const { target = "", guard = "", actions = [] } = transition;
      return {
        event,
        guard: String(guard),
        target: target.replace(/^\./, ""),
        actions: [actions].flat().map(String),
      };
    }),
  );
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
