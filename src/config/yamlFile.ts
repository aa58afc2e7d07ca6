/** Reads a YAML file against a schema. A mistake becomes one line: file, line, field, what was expected. */
import { closest } from "fastest-levenshtein";
import { isCollection, isMap, isNode, LineCounter, parseDocument } from "yaml";
import * as z from "zod";
import { UserError } from "../errors.ts";
import { excerpt, pathText } from "./fieldPath.ts";

export interface LocatedYaml<Value> {
  readonly value: Value;
  /** "file:line" of a field, or of what is nearest to it. */
  at(path: readonly PropertyKey[]): string;
}

/**
 * Parses and checks a text.
 * @param file name for messages
 * @throws UserError, one line
 */
export function parseYaml<Schema extends z.ZodType>(
  file: string,
  text: string,
  schema: Schema,
): LocatedYaml<z.output<Schema>> {
  const lines = new LineCounter();
  // Aliases are not needed in these files, and a few of them can expand to gigabytes.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "error",
  });
  const problem = document.errors[0];
  if (problem !== undefined) {
    const { line } = lines.linePos(problem.pos[0]);
    const message = problem.message.includes("call stack")
      ? "nested too deeply"
      : problem.code === "MULTIPLE_DOCS"
        ? "a second document begins here"
        : problem.message.split("\n")[0];
    throw new UserError(`${file}:${line}: not valid YAML: ${message}`);
  }
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true);
      const parent = length > 0 ? document.getIn(path.slice(0, length - 1), true) : undefined;
      const key = isMap(parent)
        ? parent.items.find(({ key }) => String(key) === String(path[length - 1]))?.key
        : undefined;
      const range = isNode(key) ? key.range : isNode(node) ? node.range : null;
      if (range) return lines.linePos(range[0]).line;
    }
    return 1;
  };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    const what = error instanceof RangeError ? "deep nesting is" : "aliases are";
    throw new UserError(`${file}:1: YAML ${what} not supported here`);
  }
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data, at: (path) => `${file}:${lineOf(path)}` };
  const issue = result.error.issues[0]!;
  const { path, message } = explain(issue, schema, value);
  const field = path.length === 0 ? "" : ` ${pathText(path)}:`;
  const whole = isCollection(document.contents) || path.length > 0 ? "" : " the file:";
  throw new UserError(`${file}:${lineOf(path)}:${field}${whole} ${message}`);
}

interface Explanation {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function explain(issue: z.core.$ZodIssue, schema: z.ZodType, root: unknown): Explanation {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!;
    const known = fieldsAt(z.toJSONSchema(schema, { io: "input" }), path, root);
    const hint = known.length === 0 ? "" : `; did you mean "${closest(key, known)}"?`;
    return { path: [...path, key], message: `unknown field${hint}` };
  }
  const given = valueAt(root, path);
  if (given === undefined) {
    return { path: path.slice(0, -1), message: `field "${String(path.at(-1))}" is missing` };
  }
  if (issue.code === "invalid_value" && typeof given === "string") {
    const valid = issue.values.map(String);
    const list = valid.join(", ");
    return {
      path,
      message: `expected one of ${list}, not "${excerpt(given)}"; did you mean "${closest(given, valid)}"?`,
    };
  }
  if (issue.code === "invalid_union" && "discriminator" in issue) {
    const kinds = alternatives(z.toJSONSchema(schema, { io: "input" }), path.slice(0, -1), root);
    const text = String(given);
    return {
      path,
      message: `expected one of ${kinds.join(", ")}, not "${excerpt(text)}"; did you mean "${closest(text, kinds)}"?`,
    };
  }
  const message = issue.message
    .replace(/^Invalid input: /, "")
    .replace(typeof given === "object" ? "" : /, received \w+$/, "");
  return { path, message: `${message}${describeGiven(given)}` };
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
        const next = typeof part === "number" ? one.items : one.properties?.[String(part)];
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
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}
