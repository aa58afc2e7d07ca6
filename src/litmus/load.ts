/** Reads a litmus file: YAML, inheritance between its tests, parameters, and the check against the schema. */

import type * as z from "zod";
import { UserError } from "../errors.ts";
import { itemAt } from "../lookup.ts";
import { testSchema } from "./litmusSchema.ts";
import { type Located, lineAt, merge, parseLocated, plain, without } from "./located.ts";
import { combinations, describeBinding, substitute } from "./parameters.ts";

/** One test, ready to run. */
export interface LitmusTest extends z.output<typeof testSchema> {
  readonly file: string;
  /** Its parameters, or "". */
  readonly parameters: string;
  /** "file:line" of a part of it. */
  readonly at: (path: readonly PropertyKey[]) => string;
}

const TESTS_LIMIT = 5000;

/** The tests of a file. Throws UserError, one line, if the text is no litmus file. */
export function loadLitmus(file: string, text: string): LitmusTest[] {
  const root = parseLocated(file, text);
  if (root.kind !== "map") {
    throw new UserError(`${file}:${root.line}: expected a map with at least "name" and "steps"`);
  }
  const shared = without(root, ["tests"]);
  const own = root.fields.get("tests");
  const variants = own === undefined ? [shared] : testItems(file, own.value);
  const tests: LitmusTest[] = [];
  for (const variant of variants) {
    const merged = own === undefined ? variant : merge(shared, variant);
    const body = without(merged, ["rows", "matrix"]);
    for (const binding of combinations(file, merged)) {
      const located = substitute(file, body, binding);
      tests.push(check(file, located, describeBinding(binding)));
      if (tests.length > TESTS_LIMIT) {
        throw new UserError(`${file}:1: more than ${TESTS_LIMIT} tests`);
      }
    }
  }
  return tests;
}

function testItems(file: string, tests: Located): readonly Located[] {
  if (tests.kind !== "list" || tests.items.length === 0) {
    throw new UserError(`${file}:${tests.line}: tests: expected a list of tests`);
  }
  for (const item of tests.items) {
    if (item.kind !== "map") {
      throw new UserError(`${file}:${item.line}: tests: expected a map, a test`);
    }
  }
  return tests.items;
}

function check(file: string, located: Located, parameters: string): LitmusTest {
  const at = (path: readonly PropertyKey[]) => `${file}:${lineAt(located, path)}`;
  const result = testSchema.safeParse(plain(located));
  if (result.success) return { ...result.data, file, parameters, at };
  const { path, message, key } = innermost(itemAt(result.error.issues, 0), located, []);
  const field = path.length === 0 ? "" : ` ${pathText(path)}:`;
  const where = key === undefined ? path : [...path, key];
  throw new UserError(`${at(where)}:${field} ${message}`);
}

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** The field of it that is too much. */
  readonly key?: string | undefined;
}

/** The message a person can use: of a union, that of the alternative which the text resembles most. */
function innermost(issue: z.core.$ZodIssue, root: Located, outer: readonly PropertyKey[]): Problem {
  const path = [...outer, ...issue.path];
  if (path.length > 0 && isMissing(root, path)) {
    const name = String(path.at(-1) ?? "");
    return { path: path.slice(0, -1), message: `field "${name}" is missing` };
  }
  if (issue.code === "invalid_union" && issue.message === "Invalid input") {
    let best: z.core.$ZodIssue | undefined;
    let bestScore = Number.POSITIVE_INFINITY;
    for (const [first, ...others] of issue.errors) {
      if (first === undefined) continue;
      const score =
        [first, ...others].filter((one) => one.path.length <= 1).length * 2 - depth(first);
      if (score < bestScore) [best, bestScore] = [first, score];
    }
    if (best !== undefined) return innermost(best, root, path);
  }
  if (issue.code === "invalid_key" && issue.issues[0] !== undefined) {
    return { path, message: issue.issues[0].message };
  }
  const key = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  return { path, message: issue.message, key };
}

function depth(issue: z.core.$ZodIssue): number {
  return issue.path.length;
}

function isMissing(root: Located, path: readonly PropertyKey[]): boolean {
  let at: Located | undefined = root;
  for (const part of path) {
    if (at === undefined) return true;
    if (at.kind === "list") at = typeof part === "number" ? at.items[part] : undefined;
    else if (at.kind === "map") at = at.fields.get(String(part))?.value;
    else return true;
  }
  return at === undefined;
}

/** A path as in JavaScript: steps[0].expect. */
export function pathText(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) {
    text += typeof part === "number" ? `[${part}]` : `${text === "" ? "" : "."}${String(part)}`;
  }
  return text;
}
