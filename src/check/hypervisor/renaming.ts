/** Values of described kinds with other numbers for pages, vCPUs, CPUs and actors: what a field holds, its schema says. */
import type { AnyEventObject } from "xstate";
import * as z from "zod";
import { ExitReason } from "../../hardware/exit.ts";
import { bare, traitsOf } from "../../interconnect/fields.ts";
import { messages } from "../../interconnect/messages.ts";
import { type Permutation, renamedList } from "./permutation.ts";

/** Where a value stands. */
interface Place {
  /** Whose pages it may name. */
  readonly vm: number;
  readonly permutation: Permutation;
  /** The object that it is a field of. */
  readonly beside: Readonly<Record<string, unknown>>;
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
  const { type, ...payload } = message;
  const fields = messages.fieldsOf(type);
  const entries = Object.entries(payload).map(([field, value]) => {
    const schema = fields?.[field];
    if (schema === undefined) throw new Error(`what "${field}" of "${type}" holds is not known`);
    return [field, renamed(schema, value, { vm, permutation, beside: message })];
  });
  return { type, ...Object.fromEntries(entries) };
}

function renamed(schema: z.core.$ZodType, value: unknown, place: Place): unknown {
  const inner = bare(schema);
  const { permutation } = place;
  const { each, orderedBy } = traitsOf(schema);
  if (typeof value === "number") return renamedNumber(schema, value, place);
  if (!Array.isArray(value) || !(inner instanceof z.ZodArray)) return value;
  const elements = value.map((element) => renamed(inner.element, element, place));
  if (orderedBy === "itself") return elements.sort((a, b) => Number(a) - Number(b));
  return each === "vcpu" || each === "pcpu" ? renamedList(elements, permutation[each]) : elements;
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
