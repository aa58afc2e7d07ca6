/** A value for each field that a table of fields names, made from the table. */
import * as z from "zod";
import { type Fields, traitsOf } from "../../src/interconnect/fields.ts";

export function exampleOf(fields: Fields): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, schema]) => [name, exampleFor(schema)]),
  );
}

export function exampleFor(schema: z.core.$ZodType): unknown {
  if (schema instanceof z.ZodReadonly || schema instanceof z.ZodExactOptional) {
    return exampleFor(schema.unwrap());
  }
  if (schema instanceof z.ZodNullable) return null;
  if (schema instanceof z.ZodArray) return [exampleFor(schema.element)];
  if (schema instanceof z.ZodObject) return exampleOf(schema.shape);
  if (schema instanceof z.ZodEnum) return schema.options[0];
  if (schema instanceof z.ZodBoolean) return false;
  if (schema instanceof z.ZodString) return traitsOf(schema).words?.()[0] ?? "text";
  if (schema instanceof z.ZodNumber) return 0;
  throw new Error(`no example for a field of kind ${schema._zod.def.type}`);
}
