/** Values that the command line puts into a file's fields: `--set tracker.technique=prl`. */
import { type Document, isCollection, isNode, isSeq, parseDocument } from "yaml";
import { UserError } from "../errors.ts";
import { excerpt } from "./fieldPath.ts";

/** All elements of a list, in a path. */
const EVERY = "*";

/** One field and its new value, and the words that said so, for messages. */
export interface Override {
  readonly path: readonly (string | number)[];
  /** What YAML can say; null: the field is taken out, so that it has its default again. */
  readonly value: unknown;
  readonly origin: string;
}

/**
 * Reads `path=value`. A path names fields from the outermost, with a dot before each, and elements of lists by
 * number, by `*` for all, or by their `name`: `vms.0.memory`, `vms[0].memory`, `vms.*.memory`, `vms.database.memory`.
 * The value is YAML: a number, a text, `[a list]`, `{ fields: of its own }`, or `null`.
 * @param origin before the words, for messages
 * @throws UserError
 */
export function parseOverride(text: string, origin = "--set"): Override {
  const shown = `${origin} ${excerpt(text)}`;
  const { path, right } = fieldAndText(text, shown, "tracker.technique=presentBit");
  if (right.trim() === "") {
    throw new UserError(`${shown}: expected a value behind "="; null takes a field out`);
  }
  return { path, value: parseValue(right, shown), origin: shown };
}

/**
 * Parts `path=text` at the first "=".
 * @param shown the words, for messages; @param example of right ones
 * @throws UserError
 */
export function fieldAndText(
  text: string,
  shown: string,
  example: string,
): { readonly path: Override["path"]; readonly right: string } {
  const [, left, right] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const path = left === undefined ? null : parsePath(left);
  if (left === undefined || right === undefined || path === null) {
    throw new UserError(`${shown}: expected a field and its value, such as ${example}`);
  }
  return { path, right };
}

/** A path as it is written; null if a part of it is empty. */
export function parsePath(text: string): Override["path"] | null {
  const parts = text
    .trim()
    .replace(/\[([^\][]*)\]/g, ".$1")
    .split(".");
  if (parts.includes("")) return null;
  return parts.map((part) => (/^\d{1,9}$/.test(part) ? Number(part) : part));
}

/** A value as YAML writes it. @param shown the words, for messages; @throws UserError */
export function parseValue(text: string, shown: string): unknown {
  const document = parseDocument(text, { prettyErrors: false, logLevel: "error" });
  if (document.errors.length > 0) throw new UserError(`${shown}: the value is not valid YAML`);
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw new UserError(`${shown}: the value has YAML aliases, or is nested too deeply`);
  }
}

/** Where overrides have put something, field by field. */
export type Overridden = readonly {
  readonly path: readonly PropertyKey[];
  readonly origin: string;
}[];

/**
 * Puts the values in, one after the other: a later one sees what an earlier one has put there.
 * @returns the fields, lists' elements by their number
 * @throws UserError if a list has no such element, or a field that is none is gone into
 */
export function override(document: Document, overrides: readonly Override[]): Overridden {
  return overrides.flatMap(({ path, value, origin }) => {
    const places = placesOf(document, path, origin);
    for (const place of places) {
      // What is not there is out already.
      if (value === null && document.hasIn(place)) document.deleteIn(place);
      if (value !== null) document.setIn(place, document.createNode(value));
    }
    return places.map((place) => ({ path: place, origin }));
  });
}

function placesOf(
  document: Document,
  path: Override["path"],
  origin: string,
): (string | number)[][] {
  let places: (string | number)[][] = [[]];
  path.forEach((part, depth) => {
    places = places.flatMap((place) => {
      const node = document.getIn(place, true);
      if (isSeq(node)) return elementsOf(node.items.length, part, depth).map((n) => [...place, n]);
      // What is not there yet is made; a number or a text has no fields.
      if (node === undefined || node === null || isCollection(node)) return [[...place, part]];
      throw new UserError(`${origin}: "${nameOf(path, depth)}" has a value, and no fields`);
    });
  });
  return places;

  function elementsOf(count: number, part: string | number, depth: number): number[] {
    const list = nameOf(path, depth);
    if (part === EVERY) return Array.from({ length: count }, (_, n) => n);
    if (typeof part === "number" && part < count) return [part];
    const names = Array.from({ length: count }, (_, n) => {
      const name = document.getIn([...path.slice(0, depth), n, "name"]);
      return typeof name === "string" ? name : null;
    });
    const named = names.flatMap((name, n) => (name !== null && name === part ? [n] : []));
    if (named.length > 0) return named;
    const valid = [`0 to ${count - 1}`, EVERY, ...names.filter((name) => name !== null)];
    const expected = count === 0 ? "it is empty" : `expected ${valid.join(", ")}`;
    throw new UserError(`${origin}: "${list}" has no "${excerpt(part)}"; ${expected}`);
  }
}

function nameOf(path: Override["path"], depth: number): string {
  return excerpt(path.slice(0, depth).join("."));
}

/** The words that have put a field there, or something in it where a file says nothing; null: a file's own. */
export function originOf(
  overridden: Overridden,
  document: Document,
  path: readonly PropertyKey[],
): string | null {
  const isPrefix = (one: readonly PropertyKey[], of: readonly PropertyKey[]): boolean =>
    one.every((part, n) => String(part) === String(of[n]));
  const exact = overridden.findLast((one) => isPrefix(one.path, path));
  if (exact !== undefined) return exact.origin;
  const node = document.getIn(path, true);
  if (isNode(node) && node.range) return null;
  return overridden.findLast((one) => path.length > 0 && isPrefix(path, one.path))?.origin ?? null;
}
