/** A small scenario for each row of a registry, made from the row's own schema; and what its fields must refuse. */
import * as z from "zod";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";

export type Json = z.core.JSONSchema.BaseSchema;
export type Row = Readonly<Record<string, unknown>> & { readonly kind: string };

/** What a schema alone does not say of fields that have to be given. */
const GIVEN: Readonly<Record<string, unknown>> = {
  trace: { file: "shipped:sort" },
  script: { script: ["write 0", "read 1", "write 2"], passes: 50 },
  externalSort: { dataPages: 9, bufferPages: 2 },
  wasm: { program: "sqlite", script: "select 1;" },
  overcommit: { memory: "4MiB", estimator: { kind: "truth", interval: "1ms" }, interval: "5ms" },
};

export function jsonOf(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
}

/** The rows of a registry that is a union of objects with a "kind" each: kind and schema. */
export function rowsOf(schema: z.ZodType): (readonly [kind: string, row: Json])[] {
  return alternatives(jsonOf(schema)).map((row) => [String(field(row, "kind")?.const), row]);
}

function alternatives({ oneOf, anyOf }: Json): Json[] {
  return (oneOf ?? anyOf ?? []) as Json[];
}

function field({ properties }: Json, name: string): Json | undefined {
  return properties?.[name] as Json | undefined;
}

/** A value of a row: what it requires, and nothing else. */
export function sampleOf(kind: string, row: Json): Row {
  return { ...(leastOf(row) as object), ...(GIVEN[kind] as object | undefined), kind };
}

/** The least that a schema takes; of several kinds the last. */
function leastOf(schema: Json): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.examples !== undefined) return schema.examples[0];
  const kinds = alternatives(schema);
  if (kinds.length > 0) return leastOf(kinds.at(-1)!);
  switch (schema.type) {
    case "object":
      return Object.fromEntries(
        (schema.required ?? []).map((name) => [name, leastOf(field(schema, name)!)]),
      );
    case "array":
      return Array.from({ length: schema.minItems ?? 0 }, () => leastOf(schema.items as Json));
    case "integer":
    case "number":
      return Math.max(schema.minimum ?? 0, Math.min(schema.maximum ?? 40, 40));
    case "boolean":
      return false;
    default:
      return "text";
  }
}

/** A field of a row, and a value for it that it must take, or refuse. */
export interface Trial {
  readonly field: string;
  readonly value: unknown;
  readonly isTaken: boolean;
}

/** Each bound of each field of a row from both sides, each word of a choice and one that is none. */
export function trialsOf({ properties = {} }: Json): Trial[] {
  return Object.entries(properties as Record<string, Json>).flatMap(([name, schema]) => {
    const trial = (value: unknown, isTaken: boolean): Trial => ({ field: name, value, isTaken });
    if (schema.const !== undefined) return [];
    if (schema.enum !== undefined) {
      return [...schema.enum.map((word) => trial(word, true)), trial("no such word", false)];
    }
    if (schema.type === "boolean") return [trial(true, true), trial("yes", false)];
    if (schema.type !== "integer" && schema.type !== "number") return [trial([null], false)];
    const { minimum: least, maximum: most, exclusiveMinimum: above } = schema;
    return [
      ...(least === undefined ? [] : [trial(least, true), trial(least - 1, false)]),
      ...(most === undefined ? [] : [trial(most, true), trial(most + 1, false)]),
      ...(above === undefined ? [] : [trial(above, false)]),
      ...(schema.type === "integer" ? [trial(1.5, false)] : []),
      trial("many", false),
    ];
  });
}

/** Problems of a value: the fields that are named. Without those of fields that do not go together, if `alone`. */
export function problemsOf(schema: z.ZodType, value: unknown, alone: boolean): string[] {
  const issues = schema.safeParse(value).error?.issues ?? [];
  return issues
    .filter(({ code }) => !alone || code !== "custom")
    .map(({ path }) => String(path[0] ?? ""));
}

/** A guest that reads and writes a few pages, for rows that are no workloads. */
export const GUEST = { kind: "uniform", pages: 60, writeFraction: 0.4, gap: 200, accesses: 4000 };

export function scenarioOf(fields: object): z.output<typeof scenarioSchema> {
  return scenarioSchema.parse({
    name: "laws",
    machine: { cpus: 2, logEntries: 8, quantum: "20us" },
    vms: [{ vcpus: 2, workload: GUEST }],
    ...fields,
  });
}
