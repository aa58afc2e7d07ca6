/**
 * What code may claim without a proof, and how long a function may be. A `!` says that something is there, a cast that
 * it is of a type; src/lookup.ts and src/interconnect/machineTypes.ts are the ways without them. The numbers of each
 * room may fall, and then their table follows; they do not grow.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const FUNCTION_LINES = 60;

/** At most, by room: [assertions that something is there, casts other than `as const`]. */
const MOST: Readonly<Record<string, readonly [assertions: number, casts: number]>> = {
  machines: [2, 3],
  "src/check": [1102, 153],
  "src/cli": [5, 8],
  "src/config": [2, 6],
  "src/errors.ts": [2, 3],
  "src/experiments": [2, 17],
  // The access loop, the walks, the tables and the TLB.
  "src/hardware": [142, 11],
  "src/hypervisor": [57, 15],
  // The queue of events, and the loop over compiled actions.
  "src/interconnect": [24, 31],
  "src/io": [2, 6],
  "src/library": [2, 3],
  "src/litmus": [4, 15],
  "src/lookup.ts": [2, 5],
  "src/plots": [2, 4],
  "src/questions": [2, 9],
  "src/queue": [2, 6],
  "src/replay": [2, 22],
  "src/runs": [2, 5],
  "src/session": [47, 18],
  "src/shares": [2, 5],
  "src/system": [252, 58],
  "src/tui": [42, 43],
  // What reads Lackey's lines, byte by byte.
  workloads: [87, 23],
};

interface Found {
  readonly assertions: number;
  readonly casts: number;
  /** "file: name". */
  readonly long: readonly string[];
}

function filesOf(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(directory, file))
    .sort();
}

function roomOf(file: string): string {
  const [first = "", second = ""] = file.split("/");
  return first === "src" ? `${first}/${second}` : first;
}

function nameOf(node: ts.Node): string {
  const named: ts.Node =
    ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) ? node : node.parent;
  const name =
    ts.isVariableDeclaration(named) ||
    ts.isPropertyAssignment(named) ||
    ts.isFunctionDeclaration(named) ||
    ts.isMethodDeclaration(named)
      ? named.name?.getText()
      : undefined;
  return name ?? "(anonymous)";
}

function look(file: string, text: string): Found {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  let assertions = 0;
  let casts = 0;
  const long: string[] = [];
  const lineOf = (position: number): number => source.getLineAndCharacterOfPosition(position).line;
  const visit = (node: ts.Node): void => {
    if (ts.isNonNullExpression(node)) assertions++;
    if (ts.isAsExpression(node) && node.type.getText() !== "const") casts++;
    if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined) {
      const lines = lineOf(node.end) - lineOf(node.getStart()) + 1;
      if (lines > FUNCTION_LINES) long.push(`${file}: ${nameOf(node)}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { assertions, casts, long };
}

const all = ["src", "machines", "workloads"]
  .flatMap(filesOf)
  .map((file) => ({ file, found: look(file, readFileSync(join(root, file), "utf8")) }));

describe("code", () => {
  it("claims no more than it did, in any room", () => {
    const counts = new Map<string, [number, number]>();
    for (const { file, found } of all) {
      const [assertions, casts] = counts.get(roomOf(file)) ?? [0, 0];
      counts.set(roomOf(file), [assertions + found.assertions, casts + found.casts]);
    }
    const over = [...counts].flatMap(([room, [assertions, casts]]) => {
      const [most, mostCasts] = MOST[room] ?? [0, 0];
      return [
        ...(assertions > most ? [`${room}: ${assertions} assertions (!), at most ${most}`] : []),
        ...(casts > mostCasts ? [`${room}: ${casts} casts (as), at most ${mostCasts}`] : []),
      ];
    });
    expect(over).toEqual([]);
  });

  it("counts what it means to count", () => {
    const { assertions, casts, long } = look(
      "a.ts",
      `const a = b!.c as D; const e = ["f"] as const; function g() {${"\n".repeat(FUNCTION_LINES)}}`,
    );
    expect([assertions, casts, long]).toEqual([1, 1, ["a.ts: g"]]);
  });
});
