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
  machines: [0, 0],
  "src/check": [130, 7],
  "src/cli": [3, 0],
  "src/config": [0, 3],
  "src/errors.ts": [0, 0],
  "src/experiments": [0, 0],
  // The access loop, the walks, the tables and the TLB.
  "src/hardware": [118, 0],
  "src/hypervisor": [21, 5],
  // The queue of events, and the loop over compiled actions.
  "src/interconnect": [17, 4],
  "src/io": [0, 0],
  "src/library": [0, 0],
  "src/litmus": [2, 4],
  "src/lookup.ts": [0, 4],
  "src/plots": [0, 1],
  "src/questions": [0, 0],
  "src/queue": [0, 0],
  "src/replay": [0, 4],
  "src/runs": [0, 0],
  "src/session": [21, 0],
  "src/shares": [0, 2],
  "src/system": [46, 9],
  "src/tui": [17, 6],
  "src/units": [4, 2],
  // What reads Lackey's lines, byte by byte.
  workloads: [14, 1],
};

/**
 * Functions of more lines than that, and what earns it. None is added: what is no loop, and no switch over what a
 * specification lists, is split.
 */
const LONG: Readonly<Record<string, string>> = {
  "src/hardware/accessLoop.ts: runAccesses":
    "the loop over accesses, which is to stay one flat loop over typed arrays",
  "src/hardware/secondStageWalk.ts: walkTables":
    "the walk of the second-level tables: one loop over levels",
  "src/hardware/guestWalk.ts: guestWalk": "the walk of the guest's tables: one loop over levels",
  "src/interconnect/compiledLogic.ts: compileLogic":
    "the step of every machine: a closure over what was compiled, as each message runs it",
  "workloads/guests/tap/instructions.ts: pass":
    "one switch over the immediates of WebAssembly's instructions",
  "workloads/guests/tap/rewriter.ts: section":
    "one switch over the sections of a WebAssembly module",
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

  it("has no further function that is long", () => {
    const long = new Set(all.flatMap(({ found }) => found.long));
    expect([...long].sort()).toEqual(Object.keys(LONG).sort());
  });

  it("counts what it means to count", () => {
    const { assertions, casts, long } = look(
      "a.ts",
      `const a = b!.c as D; const e = ["f"] as const; function g() {${"\n".repeat(FUNCTION_LINES)}}`,
    );
    expect([assertions, casts, long]).toEqual([1, 1, ["a.ts: g"]]);
  });
});
