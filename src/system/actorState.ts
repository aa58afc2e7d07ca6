/**
 * States of actors as a file may hold them: what each machine declares (machines/contexts.ts) but for its input,
 * which stays as the system was built with it.
 */
import { contextFields } from "../../machines/contexts.ts";
import { excerpt } from "../config/fieldPath.ts";
import { nearest } from "../config/nearest.ts";
import {
  anything,
  byName,
  type Census,
  type Fields,
  problemOf,
  record,
  text,
  type Values,
} from "../interconnect/fields.ts";
import type { SystemActor } from "./actors.ts";

/** A state as a file holds it, before anybody has looked at it. */
export const storedState = {
  value: text,
  context: byName(anything),
} as const satisfies Fields;
export type StoredState = Values<typeof storedState>;

/** What is wrong with an actor's state; undefined if it is one that this actor can have. */
export function actorProblem(
  { machine, initial, inputFields }: SystemActor,
  { value, context }: StoredState,
  census: Census,
): string | undefined {
  const fields = contextFields(machine.id);
  if (fields === undefined) return `what the machine "${machine.id}" remembers is in no file`;
  const states = Object.keys(machine.states);
  if (!states.includes(value)) {
    return `value: there is no state "${excerpt(value)}"${nearest(value, states)}`;
  }
  const built: Readonly<Record<string, unknown>> = { ...initial.context };
  const other = inputFields.find(
    (name) => JSON.stringify(context[name]) !== JSON.stringify(built[name]),
  );
  if (other !== undefined) return `context.${other}: is not as this system was built`;
  const own = <T>(values: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
    Object.fromEntries(Object.entries(values).filter(([name]) => !inputFields.includes(name)));
  const schema = record({ context: record(own(fields)) });
  return problemOf(schema, { context: own(context) }, census);
}
