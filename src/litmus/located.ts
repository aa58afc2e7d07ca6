/**
 * YAML as a tree that knows the line of each value, so that a value made by merging and substitution
 * still says where it was written.
 */

import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { UserError } from "../errors.ts";
import { itemAt } from "../lookup.ts";

export type Scalar = string | number | boolean | null;

export type Located =
  | { readonly kind: "scalar"; readonly line: number; readonly value: Scalar }
  | { readonly kind: "list"; readonly line: number; readonly items: readonly Located[] }
  | { readonly kind: "map"; readonly line: number; readonly fields: ReadonlyMap<string, Field> };

/** A value and the line of its key. */
export interface Field {
  readonly line: number;
  readonly value: Located;
}

/** Aliases multiply what a short text stands for: more nodes than this are refused. */
const NODE_LIMIT = 200_000;
const DEPTH_LIMIT = 40;

/** Parses a YAML text. Numbers beyond 2^53 and map keys become hexadecimal texts. */
export function parseLocated(file: string, text: string): Located {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, intAsBigInt: true });
  const lineOf = (offset: number | undefined) => lines.linePos(offset ?? 0).line || 1;
  const [problem] = document.errors;
  if (problem !== undefined) {
    const message = itemAt(problem.message.split("\n"), 0).replace(/ at line \d+.*$/, "");
    throw new UserError(`${file}:${lineOf(problem.pos[0])}: not valid YAML: ${message}`);
  }
  let nodes = 0;
  const convert = (node: Node | null | undefined, line: number, depth: number): Located => {
    nodes++;
    const at = node?.range == null ? line : lineOf(node.range[0]);
    if (nodes > NODE_LIMIT || depth > DEPTH_LIMIT) {
      throw new UserError(`${file}:${at}: too large or too deeply nested`);
    }
    if (isAlias(node)) return convert(node.resolve(document), at, depth + 1);
    if (isMap(node)) {
      const fields = new Map<string, Field>();
      for (const { key, value } of node.items) {
        const name = keyText(isScalar(key) ? key.value : key);
        const keyLine = isScalar(key) && key.range != null ? lineOf(key.range[0]) : at;
        if (name === null)
          throw new UserError(`${file}:${keyLine}: a key must be a text or a number`);
        fields.set(name, {
          line: keyLine,
          value: convert(value as Node | null, keyLine, depth + 1),
        });
      }
      return { kind: "map", line: at, fields };
    }
    if (isSeq(node)) {
      const items = node.items.map((item) => convert(item as Node | null, at, depth + 1));
      return { kind: "list", line: at, items };
    }
    return { kind: "scalar", line: at, value: scalarValue(isScalar(node) ? node.value : null) };
  };
  return convert(document.contents, 1, 0);
}

function keyText(key: unknown): string | null {
  if (typeof key === "bigint") return key < 0n ? String(key) : `0x${key.toString(16)}`;
  if (typeof key === "string" || typeof key === "number" || typeof key === "boolean") {
    return String(key);
  }
  return null;
}

function scalarValue(value: unknown): Scalar {
  if (typeof value === "bigint") {
    const safe =
      value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= -BigInt(Number.MAX_SAFE_INTEGER);
    return safe
      ? Number(value)
      : `${value < 0n ? "-" : ""}0x${value.toString(16).replace("-", "")}`;
  }
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return value;
  }
  return null;
}

/** A tree without its lines. Objects have no prototype: a key named __proto__ is an ordinary one. */
export function plain(node: Located): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  const object: Record<string, unknown> = {};
  for (const [key, { value }] of node.fields) {
    Object.defineProperty(object, key, { value: plain(value), enumerable: true });
  }
  return object;
}

/** The line of what a path names, or of the nearest thing around it that was written. */
export function lineAt(node: Located, path: readonly PropertyKey[]): number {
  let { line } = node;
  let at = node;
  for (const part of path) {
    if (at.kind === "list" && typeof part === "number") {
      const item: Located | undefined = at.items[part];
      if (item === undefined) return line;
      at = item;
      line = at.line;
    } else if (at.kind === "map") {
      const field: Field | undefined = at.fields.get(String(part));
      if (field === undefined) return line;
      at = field.value;
      line = field.line;
    } else return line;
  }
  return line;
}

/** `over` laid over `under`: maps merge field by field, anything else replaces. */
export function merge(under: Located, over: Located): Located {
  if (under.kind !== "map" || over.kind !== "map") return over;
  const fields = new Map(under.fields);
  for (const [key, field] of over.fields) {
    const below = fields.get(key);
    const value = below === undefined ? field.value : merge(below.value, field.value);
    fields.set(key, { line: field.line, value });
  }
  return { kind: "map", line: over.line, fields };
}

/** A map without some of its fields. */
export function without(node: Located, names: readonly string[]): Located {
  if (node.kind !== "map") return node;
  const fields = new Map(node.fields);
  for (const name of names) fields.delete(name);
  return { ...node, fields };
}
