/** Values of described kinds with other numbers for pages, vCPUs, CPUs and actors: what a field holds, its schema says. */
import type { AnyEventObject } from "xstate";
import * as z from "zod";
import { ExitReason } from "../../hardware/exit.ts";
import { renumberedList } from "../../hardware/normalForm.ts";
import { bare, type Fields, traitsOf } from "../../interconnect/fields.ts";
import { messages } from "../../interconnect/messages.ts";
import type { Permutation } from "./permutation.ts";

type Values = Readonly<Record<string, unknown>>;

/** Where a value stands. */
interface Place {
  /** Whose pages it may name; -1: nobody's. */
  readonly vm: number;
  readonly permutation: Permutation;
  /** The object that it is a field of. */
  readonly beside: Values;
}

/**
 * @param vm whose pages the message may name
 * @throws if it has a field that the table of messages does not name
 */
export function renamedMessage(
  { type, ...payload }: AnyEventObject,
  vm: number,
  permutation: Permutation,
): AnyEventObject {
  const fields = messages.fieldsOf(type) ?? {};
  return { type, ...renamedFields(`"${type}"`, fields, payload, vm, permutation) };
}

/**
 * @param of whose fields they are, for errors
 * @param fields what they hold, by name
 * @param vm whose pages they may name; -1: nobody's
 * @throws if there is a value of no such field
 */
export function renamedFields(
  of: string,
  fields: Fields,
  values: Values,
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
  if (variants !== undefined) return renamedMessage(value as AnyEventObject, vm, permutation);
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
  return renamedFields("a record", inner.shape as Fields, value as Values, vm, permutation);
}

/** Elements where those are that they now are for, or in the order that they now have. */
function inOrder(schema: z.core.$ZodType, elements: unknown[], place: Place): unknown[] {
  const { each, orderedBy } = traitsOf(schema);
  if (orderedBy !== undefined) {
    const keyOf = (element: unknown): number =>
      Number(orderedBy === "itself" ? element : (element as Values)[orderedBy]);
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
  if (ofViolation && beside["reason"] !== ExitReason.eptViolation) return value;
  return role === "page" ? permutation.page(vm, value) : permutation[role](value);
}
