/** What is wrong with a value that a schema does not take, with the nearest valid name. */

import { closest } from "fastest-levenshtein";
import * as z from "zod";
import { excerpt } from "./fieldPath.ts";

/** Where a value is not as its schema says, and what was expected there. */
export interface Explanation {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What issues that a schema has raised are about, in words for whoever wrote the value. */
export function explainAll(
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
  root: unknown,
): readonly Explanation[] {
  let made: Json | null = null;
  const json = (): Json => {
    made ??= z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
    return made;
  };
  return issues.flatMap((issue) => explained(issue, json, root));
}

/** The first thing that an issue is about. */
export function explain(issue: z.core.$ZodIssue, schema: z.ZodType, root: unknown): Explanation {
  const [first] = explainAll([issue], schema, root);
  return first ?? { path: issue.path, message: issue.message };
}

function explained(
  issue: z.core.$ZodIssue,
  json: () => Json,
  root: unknown,
): readonly Explanation[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const known = fieldsAt(json(), path, root);
    return issue.keys.map((key) => {
      const hint = known.length === 0 ? "" : `; did you mean "${closest(key, known)}"?`;
      return { path: [...path, key], message: `unknown field${hint}` };
    });
  }
  const given = valueAt(root, path);
  if (given === undefined) {
    return [{ path: path.slice(0, -1), message: `field "${String(path.at(-1))}" is missing` }];
  }
  if (issue.code === "invalid_value" && typeof given === "string") {
    return [{ path, message: expectedOneOf(issue.values.map(String), given) }];
  }
  if (issue.code === "invalid_union" && "discriminator" in issue) {
    const kinds = alternatives(json(), path.slice(0, -1), root);
    return [{ path, message: expectedOneOf(kinds, String(given)) }];
  }
  const message = issue.message
    .replace(/^Invalid input: /, "")
    .replace(typeof given === "object" ? "" : /, received \w+$/, "");
  return [{ path, message: `${message}${describeGiven(given)}` }];
}

function expectedOneOf(valid: readonly string[], given: string): string {
  const near = closest(given, [...valid]);
  return `expected one of ${valid.join(", ")}, not "${excerpt(given)}"; did you mean "${near}"?`;
}

function describeGiven(given: unknown): string {
  if (typeof given === "object") return "";
  return `, not ${typeof given === "string" ? `"${excerpt(given)}"` : String(given)}`;
}

type Json = z.core.JSONSchema.BaseSchema;

/** The JSON Schemas that apply to the value at a path: of a union, the one whose "kind" matches. */
function schemasAt(schema: Json, path: readonly PropertyKey[], root: unknown): readonly Json[] {
  let current = expand(schema);
  let value = root;
  for (const part of path) {
    current = current
      .filter((one) => matchesKind(one, value))
      .flatMap((one) => {
        const field = one.properties?.[String(part)] ?? one.additionalProperties;
        const next = typeof part === "number" ? one.items : field;
        return typeof next === "object" && !Array.isArray(next) ? expand(next as Json) : [];
      });
    value = valueAt(value, [part]);
  }
  return current;
}

function expand(schema: Json): readonly Json[] {
  const options = schema.oneOf ?? schema.anyOf;
  return options === undefined ? [schema] : options.flatMap((one) => expand(one as Json));
}

function matchesKind(schema: Json, value: unknown): boolean {
  const kind = schema.properties?.["kind"];
  if (typeof kind !== "object" || kind.const === undefined) return true;
  return valueAt(value, ["kind"]) === kind.const;
}

function fieldsAt(schema: Json, path: readonly PropertyKey[], root: unknown): readonly string[] {
  const value = valueAt(root, path);
  return schemasAt(schema, path, root)
    .filter((one) => matchesKind(one, value))
    .flatMap((one) => Object.keys(one.properties ?? {}));
}

function alternatives(schema: Json, path: readonly PropertyKey[], root: unknown): string[] {
  return schemasAt(schema, path, root).flatMap((one) => {
    const kind = one.properties?.["kind"];
    return typeof kind === "object" && typeof kind.const === "string" ? [kind.const] : [];
  });
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}
