/**
 * What of an actor's state, and of a message, is no state to the explorer: statistics, numbers of turns, values that
 * are written before they are read, and of some values all but a part, as the fields are declared. It is checked: in
 * every search each step is worked out again with other values in all of these, and must come to the same
 * (src/check/audit/stepAudit.ts).
 */
import type { AnyEventObject } from "xstate";
import * as z from "zod";
import { bare, type Fields, type Matter, traitsOf } from "./fields.ts";
import { messages } from "./messages.ts";

type Values = Readonly<Record<string, unknown>>;
/** What an object holds, by name. */
export type Shape = Readonly<Record<string, z.core.$ZodType>>;

/** A machine's state, as plain data. */
export interface MachineState {
  readonly value: string;
  readonly context: object;
}

/** What is put in place of what is no state. */
interface Filling {
  statistic(schema: z.core.$ZodType, value: unknown): unknown;
  readonly turn: number;
  /** Of a value of which not everything matters: another one of which the same matters. */
  alike(matter: Matter<unknown>, value: unknown): unknown;
}

const PLAIN: Filling = {
  statistic: (_, value) => (Array.isArray(value) ? [] : 0),
  turn: 0,
  alike: (matter, value) => matter.of(value),
};

/** @param more a whole number above 0: other values for each */
function scrambling(more: number): Filling {
  return {
    // Every second time it is not known, where it may be so.
    statistic: (schema, value) =>
      more % 2 === 0 && schema instanceof z.ZodNullable ? null : otherValue(value, more),
    turn: more,
    alike: (matter, value) => matter.alike(value, more),
  };
}

function fill(schema: z.core.$ZodType, value: unknown, filling: Filling): unknown {
  const { statistic, turn, matter, variants } = traitsOf(schema);
  if (statistic) return filling.statistic(schema, value);
  if (turn) return filling.turn;
  if (matter !== undefined) return filling.alike(matter, value);
  if (typeof value !== "object" || value === null) return value;
  if (variants !== undefined) return filledMessage(value, filling);
  const inner = bare(schema);
  if (Array.isArray(value) && inner instanceof z.ZodArray) {
    return value.map((element) => fill(inner.element, element, filling));
  }
  if (!(inner instanceof z.ZodObject)) return value;
  return filled(inner.shape, value, filling);
}

function filled(fields: Shape, values: object, filling: Filling): Values {
  const entries = Object.entries(values).map(([name, value]) => {
    const schema = fields[name];
    return [name, schema === undefined ? value : fill(schema, value, filling)];
  });
  return Object.fromEntries(entries);
}

function filledMessage(message: object, filling: Filling): Values {
  return filled(messages.fieldsOf(String(Reflect.get(message, "type"))) ?? {}, message, filling);
}

/** A state with what is no state filled; whole fields of it as `whole` says. */
function filledState(
  fields: Fields,
  { value, context }: MachineState,
  filling: Filling,
  whole: (part: unknown, name: string) => unknown,
): MachineState {
  const entries = Object.entries(context).map(([name, part]) => {
    const schema = fields[name];
    if (schema === undefined) throw new Error(`what "${name}" of a context holds is not declared`);
    const { statistic, deadIn = [] } = traitsOf(schema);
    const isIgnored = statistic === true || deadIn.includes(value);
    return [name, isIgnored ? whole(part, name) : fill(schema, part, filling)];
  });
  return { value, context: Object.fromEntries(entries) };
}

/**
 * A state without what is no state: those fields are as they were at the start.
 * @param fields what the context holds
 */
export function normalState(
  fields: Fields,
  state: MachineState,
  initial: Readonly<object>,
): MachineState {
  return filledState(fields, state, PLAIN, (_, name) => Reflect.get(initial, name));
}

/** A message without statistics: they are zero, known or not. */
export function normalMessage<Event extends AnyEventObject>(event: Event): Event {
  return { ...event, ...filledMessage(event, PLAIN) };
}

/** Which of a state's, or a message's, parts get other values: by name. */
export type PartFilter = (name: string) => boolean;

/** The same state with other values in all that is no state. @param more a whole number above 0: other ones for each */
export function scrambledState(
  fields: Fields,
  state: MachineState,
  more: number,
  only: PartFilter = () => true,
): MachineState {
  const other = filledState(fields, state, scrambling(more), (part) => otherValue(part, more));
  return { value: state.value, context: chosen(state.context, other.context, only) };
}

/** The same message with other statistics. */
export function scrambledMessage<Event extends AnyEventObject>(
  event: Event,
  more: number,
  only: PartFilter = () => true,
): Event {
  return { ...event, ...chosen(event, filledMessage(event, scrambling(more)), only) };
}

/** Of two objects' fields those of the second that `only` names, else those of the first. */
function chosen(one: object, other: object, only: PartFilter): Values {
  const entries = Object.entries(one).map(([name, value]) => [
    name,
    only(name) ? Reflect.get(other, name) : value,
  ]);
  return Object.fromEntries(entries);
}

/**
 * The same message as one of another turn; null if it is of none. A timer of an earlier turn changes nothing, as if it
 * had not ended yet (which is checked, and in test/system/turns.test.ts): so that all timers are of this turn leaves
 * nothing out. Who takes it may also take it for too late.
 */
export function ofAnotherTurn<Event extends AnyEventObject>(event: Event): Event | null {
  const fields = Object.entries(messages.fieldsOf(event.type) ?? {});
  const [name] = fields.find(([, schema]) => traitsOf(schema).turn) ?? [];
  return name === undefined ? null : { ...event, [name]: Number(event[name]) + 1 };
}

/** A value unlike this one, of the same shape as far as whoever adds to it needs that. */
function otherValue(value: unknown, more: number): unknown {
  switch (typeof value) {
    case "number":
      return value + more;
    case "boolean":
      return !value;
    case "string":
      return `${value} ${more}`;
    case "object":
      if (value === null) return more;
      if (Array.isArray(value)) {
        const others = value.map((one) => otherValue(one, more));
        // Every second time there is one more in a list.
        return more % 2 === 0 ? [...others, ...others.slice(-1)] : others;
      }
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [key, otherValue(inner, more)]),
      );
    default:
      return value;
  }
}
