/**
 * Parameters of a test: `rows` is a table, `matrix` a product; each combination is a test of its own.
 * "$name", as a whole value or a whole key, stands for the parameter's value.
 */
import { UserError } from "../errors.ts";
import type { Field, Located, Scalar } from "./located.ts";
import { nearest } from "./scalars.ts";

export type Binding = ReadonlyMap<string, Located>;

const COMBINATIONS_LIMIT = 2000;

/** All combinations of a test's `rows` and `matrix`; one empty combination when it has neither. */
export function combinations(file: string, test: Located): Binding[] {
  if (test.kind !== "map") return [new Map()];
  let result: Map<string, Located>[] = [new Map()];
  const rows = test.fields.get("rows");
  if (rows !== undefined) {
    const { value, line } = rows;
    if (value.kind !== "list" || value.items.length === 0) {
      throw new UserError(`${file}:${line}: rows: expected a list of maps`);
    }
    result = value.items.map((row) => {
      if (row.kind !== "map") throw new UserError(`${file}:${row.line}: rows: expected a map`);
      return new Map([...row.fields].map(([name, field]) => [name, field.value]));
    });
  }
  const matrix = test.fields.get("matrix");
  if (matrix === undefined) return result;
  if (matrix.value.kind !== "map") {
    throw new UserError(`${file}:${matrix.line}: matrix: expected a map from names to lists`);
  }
  for (const [name, { value, line }] of matrix.value.fields) {
    if (value.kind !== "list" || value.items.length === 0) {
      throw new UserError(`${file}:${line}: matrix.${name}: expected a list of values`);
    }
    if (result.length * value.items.length > COMBINATIONS_LIMIT) {
      throw new UserError(`${file}:${line}: matrix: more than ${COMBINATIONS_LIMIT} combinations`);
    }
    result = result.flatMap((row) => value.items.map((item) => new Map(row).set(name, item)));
  }
  return result;
}

/** Replaces each "$name". */
export function substitute(file: string, node: Located, binding: Binding): Located {
  const resolve = (name: string, line: number): Located => {
    const value = binding.get(name);
    if (value !== undefined) return value;
    const valid = [...binding.keys()];
    const hint = valid.length === 0 ? "" : `; did you mean "$${nearest(name, valid)}"?`;
    throw new UserError(`${file}:${line}: "$${name}": no parameter of that name${hint}`);
  };
  const visit = (at: Located): Located => {
    if (at.kind === "scalar") {
      const name = parameterName(at.value);
      return name === null ? at : { ...resolve(name, at.line), line: at.line };
    }
    if (at.kind === "list") return { ...at, items: at.items.map(visit) };
    const fields = new Map<string, Field>();
    for (const [key, { line, value }] of at.fields) {
      const name = parameterName(key);
      fields.set(name === null ? key : keyOf(resolve(name, line)), { line, value: visit(value) });
    }
    return { ...at, fields };
  };
  return binding.size === 0 && !mentionsParameter(node) ? node : visit(node);
}

function parameterName(value: Scalar): string | null {
  return typeof value === "string" && /^\$[A-Za-z]\w*$/.test(value) ? value.slice(1) : null;
}

function keyOf(value: Located): string {
  if (value.kind !== "scalar") return "";
  return typeof value.value === "number" ? `0x${value.value.toString(16)}` : String(value.value);
}

function mentionsParameter(node: Located): boolean {
  if (node.kind === "scalar") return parameterName(node.value) !== null;
  if (node.kind === "list") return node.items.some(mentionsParameter);
  return [...node.fields].some(
    ([key, { value }]) => parameterName(key) !== null || mentionsParameter(value),
  );
}

/** A combination in one line, for the title of its test. */
export function describeBinding(binding: Binding): string {
  return [...binding].map(([name, value]) => `${name}=${describe(value)}`).join(" ");
}

function describe(node: Located): string {
  if (node.kind === "scalar") {
    const { value } = node;
    return typeof value === "number" && value > 4095 ? `0x${value.toString(16)}` : String(value);
  }
  if (node.kind === "list") return `[${node.items.map(describe).join(",")}]`;
  return `{${[...node.fields].map(([key, { value }]) => `${key}:${describe(value)}`).join(",")}}`;
}
