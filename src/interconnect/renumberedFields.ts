/** Values of described kinds with other numbers for pages, vCPUs, CPUs and actors: what a field holds, its schema says. */
import type { AnyEventObject } from "xstate";
import * as z from "zod";
import { type Renumbering, renumberedList } from "../hardware/normalForm.ts";
import { isViolation } from "../units/exits.ts";
import { bare, text, traitsOf } from "./fields.ts";
import { type ActorId, messages } from "./messages.ts";
import type { Shape } from "./normalFields.ts";

/** The number that each gets; whoever is not exchanged keeps its own. */
export interface Permutation extends Renumbering {
  /** An actor's address; 0 stays 0. */
  actor(id: ActorId): ActorId;
}

type Values = Readonly<Record<string, unknown>>;

/** Where a value stands. */
interface Place {
  /** Whose pages it may name; -1: nobody's. */
  readonly vm: number;
  readonly permutation: Permutation;
  /** The object that it is a field of. */
  readonly beside: object;
}

/**
 * @param vm whose pages the message may name
 * @throws if it has a field that the table of messages does not name
 */
export function renamedMessage(
  message: AnyEventObject,
  vm: number,
  permutation: Permutation,
): AnyEventObject {
  return { ...message, ...renamedPayload(message, vm, permutation) };
}

/** The same of what a field holds, all of it. */
function renamedPayload(message: object, vm: number, permutation: Permutation): Values {
  const type = String(Reflect.get(message, "type"));
  const fields = { type: text, ...messages.fieldsOf(type) };
  return renamedFields(`"${type}"`, fields, message, vm, permutation);
}

/**
 * @param of whose fields they are, for errors
 * @param fields what they hold, by name
 * @param vm whose pages they may name; -1: nobody's
 * @throws if there is a value of no such field
 */
export function renamedFields(
  of: string,
  fields: Shape,
  values: object,
  vm: number,
  permutation: Permutation,
): Values {
  const entries = Object.entries(values).map(([name, value]) => {
    const schema = fields[name];
    if (schema === undefined) throw new Error(`what "${name}" of ${of} holds is not known`);
    return [name, renamed(schema, value, { vm, permutation, beside: values })];
  });
  return Object.fromEntries(entries);
}

function renamed(schema: z.core.$ZodType, value: unknown, place: Place): unknown {
  const { vm, permutation } = place;
  const { variants } = traitsOf(schema);
  const inner = bare(schema);
  if (typeof value === "number") return renamedNumber(schema, value, place);
  if (typeof value !== "object" || value === null) return value;
  if (variants !== undefined) return renamedPayload(value, vm, permutation);
  if (Array.isArray(value) && inner instanceof z.ZodArray) {
    const elements = value.map((element) => renamed(inner.element, element, place));
    return inOrder(schema, elements, place);
  }
  if (inner instanceof z.ZodRecord) {
    const entries = Object.entries(value).map(([name, one]) => [
      name,
      renamed(inner.valueType, one, place),
    ]);
    return Object.fromEntries(entries);
  }
  if (!(inner instanceof z.ZodObject)) return value;
  return renamedFields("a record", inner.shape, value, vm, permutation);
}

/** Elements where those are that they now are for, or in the order that they now have. */
function inOrder(schema: z.core.$ZodType, elements: unknown[], place: Place): unknown[] {
  const { each, orderedBy } = traitsOf(schema);
  if (orderedBy !== undefined) {
    const keyOf = (element: unknown): number =>
      Number(orderedBy === "itself" ? element : Reflect.get(Object(element), orderedBy));
    return elements.sort((one, other) => keyOf(one) - keyOf(other));
  }
  const { vm, permutation } = place;
  if (each === "page") return renumberedList(elements, (page) => permutation.page(vm, page));
  return each === "vcpu" || each === "pcpu"
    ? renumberedList(elements, permutation[each])
    : elements;
}

function renamedNumber(
  schema: z.core.$ZodType,
  value: number,
  { vm, permutation, beside }: Place,
): number {
  const { role, ofViolation } = traitsOf(schema);
  // -1: none. VMs are not exchanged.
  if (role === undefined || role === "vm" || value < 0) return value;
  if (ofViolation && !isViolation(Number(Reflect.get(beside, "reason")))) return value;
  return role === "page" ? permutation.page(vm, value) : permutation[role](value);
}
