/** Messages for people: their kind, their step of the workflow, their payload in short. */

import { type Role, traitsOf } from "../interconnect/fields.ts";
import type { MessageKind } from "../interconnect/messageRow.ts";
import { type Delivery, type Message, messages, rowOf } from "../interconnect/messages.ts";
import { exitReasonName } from "../units/exits.ts";
import type { StreamEntry } from "./frame.ts";

export type Names = (id: number) => string;

export function entryOf(delivery: Delivery, position: number, nameOf: Names): StreamEntry {
  const { sequence, time, from, to, message } = delivery;
  return Object.freeze({
    position,
    sequence,
    time,
    from: from === 0 ? "you" : nameOf(from),
    to: nameOf(to),
    type: message.type,
    kind: kindOf(delivery),
    step: rowOf(message.type)?.step ?? 0,
    text: payloadOf(message, nameOf)
      .map(([field, value]) => `${field} ${value}`)
      .join(", "),
  });
}

function kindOf({ from, message }: Delivery): MessageKind {
  if (from === 0 && message.type !== "begin") return "operator";
  return rowOf(message.type)?.kind ?? "operation";
}

/** Field by field, in the order of the message. */
export function payloadOf(message: Message, nameOf: Names): [string, string][] {
  const fields = Object.entries(message).filter(([field]) => field !== "type");
  const schemas = messages.fieldsOf(message.type) ?? {};
  return fields.map(([field, value]) => {
    const schema = schemas[field];
    const role = schema === undefined ? undefined : traitsOf(schema).role;
    return [field, fieldText(field, role, value, nameOf)];
  });
}

function fieldText(field: string, role: Role | undefined, value: unknown, nameOf: Names): string {
  if (typeof value !== "number") return textOf(value);
  if (role === "actor") return value === 0 ? "nobody" : nameOf(value);
  if (field === "reason") return `${value} ${exitReasonName(value)}`;
  if (role === "page") return `0x${value.toString(16)}`;
  return String(value);
}

/** Any plain value in one line, long lists cut. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const list: unknown[] = Array.from(Object.values(value));
    const shown = list.slice(0, 12).map(textOf).join(" ");
    return list.length > 12 ? `[${shown} ... ${list.length} in all]` : `[${shown}]`;
  }
  return JSON.stringify(value) ?? "-";
}
