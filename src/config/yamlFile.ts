/**
 * Reads a YAML file, and what the command line puts into it, against a schema: units and shapes. Each mistake becomes a
 * line: file and line, or the option that it comes from; field; what was expected.
 */

import { Document, isCollection, isMap, isNode, LineCounter, parseDocument } from "yaml";
import type * as z from "zod";
import { UserError } from "../errors.ts";
import { explainAll } from "./explain.ts";
import { pathText } from "./fieldPath.ts";
import { type Override, originOf, override } from "./override.ts";

/** Mistakes that are told of one file: a file of something else has thousands. */
const LINES_MAX = 20;

export interface LocatedYaml<Value> {
  readonly value: Value;
  /** "file:line" of a field, or of what is nearest to it; or the option that has set it. */
  at(path: readonly PropertyKey[]): string;
}

/**
 * Parses and checks a text.
 * @param file name for messages
 * @param overrides fields that have other values than in the text
 * @throws UserError, a line for each mistake
 */
export function parseYaml<Schema extends z.ZodType>(
  file: string,
  text: string,
  schema: Schema,
  overrides: readonly Override[] = [],
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
  return checked(document, schema, overrides, (path) => `${file}:${lineOf(path)}`);
}

/**
 * Checks fields that are from no file.
 * @param origin for messages
 * @throws UserError, a line for each mistake
 */
export function parseFields<Schema extends z.ZodType>(
  origin: string,
  fields: unknown,
  schema: Schema,
  overrides: readonly Override[] = [],
): LocatedYaml<z.output<Schema>> {
  return checked(new Document(fields), schema, overrides, () => origin);
}

function checked<Schema extends z.ZodType>(
  document: Document,
  schema: Schema,
  overrides: readonly Override[],
  place: (path: readonly PropertyKey[]) => string,
): LocatedYaml<z.output<Schema>> {
  // A file that is a list, or empty, has no fields: that is said of the file.
  const overridden = isMap(document.contents) ? override(document, overrides) : [];
  const at = (path: readonly PropertyKey[]): string =>
    originOf(overridden, document, path) ?? place(path);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    const what = error instanceof RangeError ? "deep nesting is" : "aliases are";
    throw new UserError(`${place([])}: YAML ${what} not supported here`);
  }
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data, at };
  const lines = explainAll(result.error.issues, schema, value).map(({ path, message }) => {
    const field = path.length === 0 ? "" : ` ${pathText(path)}:`;
    const whole = isCollection(document.contents) || path.length > 0 ? "" : " the file:";
    return `${at(path)}:${field}${whole} ${message}`;
  });
  const distinct = [...new Set(lines)];
  const left = distinct.length - LINES_MAX;
  throw new UserError([
    ...distinct.slice(0, LINES_MAX),
    ...(left > 0 ? [`${place([])}: and ${left} more mistakes`] : []),
  ]);
}
