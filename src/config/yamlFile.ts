/** Reads a YAML file against a schema. A mistake becomes one line: file, line, field, what was expected. */
import { isCollection, isMap, isNode, LineCounter, parseDocument } from "yaml";
import type * as z from "zod";
import { UserError } from "../errors.ts";
import { explain } from "./explain.ts";
import { pathText } from "./fieldPath.ts";

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
