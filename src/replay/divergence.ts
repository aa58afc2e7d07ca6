/** The first difference between a log and the run that it is compared with. */

import type { Delivery, Message } from "../interconnect/messages.ts";
import { itemAt } from "../lookup.ts";
import type { System } from "../system/system.ts";

/** A field of a message that differs; undefined where one has no such field. */
export interface FieldDifference {
  readonly field: string;
  readonly recorded: unknown;
  readonly actual: unknown;
}

export type DivergenceKind =
  /** Another message, or the same with other contents. */
  | "message"
  /** The same message, but its receiver's state after it, or what its device did to memory, differs. */
  | "state"
  /** The same messages, but memory or an actor differs at a checkpoint. */
  | "checkpoint"
  /** The log goes on, the run has ended. */
  | "ended"
  /** The run goes on, the log says that it has ended. */
  | "continues"
  /** What was done from outside cannot be done here. */
  | "intervention";

export interface ActorState {
  readonly name: string;
  readonly value: string;
  readonly context: object;
}

export interface Divergence {
  readonly kind: DivergenceKind;
  /** Messages that agree before it. */
  readonly position: number;
  readonly recorded: Delivery | null;
  readonly actual: Delivery | null;
  readonly fields: readonly FieldDifference[];
  /** The last messages that agree, oldest first. */
  readonly before: readonly Delivery[];
  /** Sender and receiver in the run, after the message. */
  readonly actors: readonly ActorState[];
  /** Memory and actors that differ at a checkpoint; what cannot be done. */
  readonly detail: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Whether two messages are the same, field by field. */
export function sameMessage(a: Message, b: Message): boolean {
  return sameFields(a, b) && sameFields(b, a);
}

function sameFields(left: Fields, right: Fields): boolean {
  for (const key in left) {
    const [here, there] = [left[key], right[key]];
    if (here === there) continue;
    if (typeof here !== "object" || JSON.stringify(here) !== JSON.stringify(there)) return false;
  }
  return true;
}

export function sameDelivery(a: Delivery, b: Delivery): boolean {
  return (
    a.sequence === b.sequence &&
    a.time === b.time &&
    a.from === b.from &&
    a.to === b.to &&
    sameMessage(a.message, b.message)
  );
}

/** What differs between two deliveries, in the order of their fields. */
export function differences(
  recorded: Delivery,
  actual: Delivery,
  nameOf: (id: number) => string,
): FieldDifference[] {
  const [left, right] = [flat(recorded, nameOf), flat(actual, nameOf)];
  const fields = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...fields]
    .map((field) => ({ field, recorded: left[field], actual: right[field] }))
    .filter(({ recorded: a, actual: b }) => JSON.stringify(a) !== JSON.stringify(b));
}

function flat(delivery: Delivery, nameOf: (id: number) => string): Record<string, unknown> {
  const { sequence, time, from, to, message } = delivery;
  return { time, sequence, from: nameOf(from), to: nameOf(to), ...message };
}

/** State of the sender and the receiver of a message; the system itself has none. */
export function actorsOf(system: System, deliveries: readonly (Delivery | null)[]): ActorState[] {
  const ids = new Set(deliveries.flatMap((one) => (one === null ? [] : [one.from, one.to])));
  return [...ids]
    .filter((id) => id > 0 && id <= system.actors.length)
    .map((id) => itemAt(system.actors, id - 1))
    .map(({ name, snapshot }) => ({ name, ...snapshot }));
}

/** The name behind an address; a damaged log may hold one that nobody has. */
export function nameIn(system: System, id: number): string {
  const known = id === 0 || system.actors[id - 1] !== undefined;
  return known ? system.nameOf(id) : `actor ${id}`;
}
