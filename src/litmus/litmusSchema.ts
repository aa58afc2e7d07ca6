/** The litmus format as a whole, and its JSON Schema for editors. */
import * as z from "zod";
import { int, list, named, text } from "./scalars.ts";
import { setupShape } from "./setupSchema.ts";
import { step, VERBS } from "./stepSchema.ts";

const STEPS_LIMIT = 1000;
const testShape = {
  name: text,
  cases: list(int(1, 999)).optional(),
  source: text.optional(),
  ...setupShape,
  steps: list(step)
    .min(1, { error: "expected at least one step" })
    .max(STEPS_LIMIT, { error: `expected at most ${STEPS_LIMIT} steps` }),
};

/** One test, after inheritance and parameters. */
export const testSchema = named(testShape);

const parameters = {
  rows: z.array(z.record(z.string(), z.unknown())).optional(),
  matrix: z.record(z.string(), z.array(z.unknown())).optional(),
};
const fileSchema = named({
  ...testShape,
  ...parameters,
  steps: testShape.steps.optional(),
  tests: list(named({ ...testShape, ...parameters }).partial()).optional(),
});

const PARAMETER = { type: "string", pattern: "^\\$[A-Za-z]\\w*$" } as const;

/** A step whose verb is a parameter: some key begins with "$". */
const PARAMETER_VERB = {
  type: "object",
  not: { propertyNames: { not: { pattern: "^\\$" } } },
} as const;

/** The JSON Schema of a litmus file, as text. A parameter may stand for any value, and for a step's verb. */
export function litmusJsonSchema(): string {
  const seen = new WeakSet();
  const schema = z.toJSONSchema(fileSchema, {
    io: "input",
    reused: "ref",
    unrepresentable: "any",
    override: ({ jsonSchema, path }) => {
      const { anyOf, type, pattern } = jsonSchema;
      if (seen.has(jsonSchema) || path.length === 0) return;
      seen.add(jsonSchema);
      if (anyOf?.length === VERBS.length) anyOf.push(PARAMETER_VERB);
      if (Array.isArray(anyOf)) anyOf.push(PARAMETER);
      else if (
        type !== undefined &&
        (type !== "string" || pattern !== undefined || jsonSchema.enum)
      ) {
        const own = { ...jsonSchema };
        for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
        jsonSchema.anyOf = [own, PARAMETER];
        seen.add(own);
      }
    },
  });
  return `${JSON.stringify({ ...schema, title: "Trackvisor litmus test" }, null, 2)}\n`;
}
