/** Types of messages that units bring along: rows for the table in src/interconnect/messages.ts. */
import type { Listed } from "./all.ts";
import { UNITS } from "./all.ts";
import type { UnitMessage } from "./unit.ts";

type Rows<Unit> = Unit extends { readonly messages: infer Messages } ? Messages : never;
type Both<Union> = (Union extends unknown ? (one: Union) => void : never) extends (
  both: infer All,
) => void
  ? All
  : never;

/** By type. */
export type UnitMessages = Both<Rows<Listed>>;
export type UnitMessageType = Listed extends infer Unit
  ? Unit extends { readonly messages: infer Messages }
    ? keyof Messages
    : never
  : never;

export const UNIT_MESSAGES = Object.assign(
  {},
  ...UNITS.map(({ messages }) => messages),
) as Readonly<UnitMessages & Record<string, UnitMessage>>;

/** A message of a unit's type. @throws if there is none of this type */
export function unitMessage(type: string): { readonly type: UnitMessageType } {
  if (!Object.hasOwn(UNIT_MESSAGES, type)) throw new Error(`no unit has a message "${type}"`);
  return { type: type as UnitMessageType };
}

const ofFull = UNITS.flatMap(({ whenFull, alsoFull = [] }) =>
  whenFull.kind === "drop" ? alsoFull : [whenFull.full, ...alsoFull],
);

/** Whether a message says that a log has become full, or was found so. */
export function saysLogIsFull(type: string): boolean {
  return ofFull.includes(type);
}

/** Units whose full log makes a guest exit, by their numbers, and what tells each that its index is back. */
export const STOPPING_UNITS: readonly {
  readonly number: number;
  readonly emptied: { readonly type: UnitMessageType };
}[] = UNITS.flatMap(({ whenFull }, number) =>
  whenFull.kind === "exit" ? [{ number, emptied: unitMessage(whenFull.emptied) }] : [],
);

/** Types of messages by which a unit hears that a guest has stopped for its log. */
export const STOPPING_MESSAGES: readonly UnitMessageType[] = UNITS.flatMap(({ whenFull }) =>
  whenFull.kind === "exit" ? [unitMessage(whenFull.full).type] : [],
);
