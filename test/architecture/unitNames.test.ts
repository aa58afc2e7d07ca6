/**
 * A page-logging unit is named in its own folders, and where somebody uses that unit and no other. All others ask the
 * registry (src/units/all.ts), or what the unit says of itself: so a new unit is a folder and a line. Held over the
 * syntax: identifiers, texts, and paths of imports; comments may name whom a rule comes from.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { UNITS } from "../../src/units/all.ts";

const root = join(import.meta.dirname, "..", "..");

/** A unit's own folder, and its own files in other rooms: its statechart, its planted faults, the estimator called so. */
const OWN = UNITS.flatMap(({ name }) => [
  `src/units/${name}/`,
  `machines/units/${name}Unit.ts`,
  `machines/units/${name}.ts`,
  `src/check/mutations/${name}.ts`,
  `src/hypervisor/wss/estimators/${name}.ts`,
]);

/** Experiments are of particular units, the published study's; others' machines have the units that they have. */
const USERS = ["src/experiments/", "src/witness/"];

const ANY = UNITS.map(({ name }) => name).join("|");
const NAMES = new RegExp(ANY, "i");

/** Where else a unit is named, and why; and the words. Each must be there. */
const ALLOWED: Readonly<Record<string, readonly [why: string, words: RegExp]>> = {
  "src/units/all.ts": [
    "the list of units",
    new RegExp(`^\\./\\w+/(declaration|section)\\.ts$|^(${ANY})(Section)?$`),
  ],
  "machines/units/all.ts": [
    "the list of units' statecharts",
    new RegExp(`^(${ANY})(Statechart)?$|^\\./(${ANY})(Unit)?\\.ts$`),
  ],
  "src/check/mutations/all.ts": [
    "the list of planted faults",
    /^(p[mr]l|machineUnit)Mutations$|^\.\/(p[mr]l|machineUnit)\.ts$/,
  ],
  "src/hypervisor/wss/estimators/all.ts": ["the list of estimators", /^p[mr]l$|^\.\/p[mr]l\.ts$/],
  "src/hypervisor/wss/estimators/hyperLogLog.ts": [
    "a sketch of the one log that has misses with counts",
    /^prl$|HyperLogLog of PRL's log$/,
  ],
  "src/hypervisor/wss/estimators/shards.ts": [
    "a sample of the one log that has misses in their order",
    /^prl$|SHARDS of PRL's log$/,
  ],
  "src/hypervisor/wss/estimator.ts": ["a word of saved states, which old logs hold", /^prl$/],
  "machines/estimatorContext.ts": ["a word of saved states, which old logs hold", /^prl$/],
  "src/cli/run.ts": ["the name of a scenario file", /^sort-pml$/],
  "src/questions/comparison.ts": ["names of scenario files", /compare wss-prl wss-pml$/],
};

interface Naming {
  readonly word: string;
  /** "file:line: word". */
  readonly where: string;
}

/** An estimator's public name, `kind: "..."`: estimators have a list of their own. */
function isEstimatorKind({ parent }: ts.Node): boolean {
  return ts.isPropertyAssignment(parent) && parent.name.getText() === "kind";
}

function wordOf(node: ts.Node): string | null {
  const hasText =
    ts.isIdentifier(node) ||
    ts.isPrivateIdentifier(node) ||
    ts.isStringLiteralLike(node) ||
    ts.isTemplateHead(node) ||
    ts.isTemplateMiddle(node) ||
    ts.isTemplateTail(node) ||
    ts.isJsxText(node) ||
    ts.isRegularExpressionLiteral(node);
  return hasText ? node.text : null;
}

/** Texts and identifiers of a file that name a unit. */
function namings(file: string, text: string): Naming[] {
  const kind = file.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, kind);
  const found: Naming[] = [];
  const visit = (node: ts.Node): void => {
    const word = wordOf(node);
    if (word !== null && NAMES.test(word) && !isEstimatorKind(node)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      found.push({ word, where: `${file}:${line + 1}: ${word}` });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Those that may not be there. */
function offences(file: string, text: string): string[] {
  if ([...OWN, ...USERS].some((own) => file.startsWith(own))) return [];
  const words = ALLOWED[file]?.[1];
  return namings(file, text)
    .filter(({ word }) => words?.test(word) !== true)
    .map(({ where }) => where);
}

function filesOf(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(directory, file))
    .sort();
}

const FILES = ["src", "machines", "workloads"]
  .flatMap(filesOf)
  .map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));

describe("names of page-logging units", () => {
  it("stand in units' own folders, and where a unit is used for its own sake", () => {
    expect(FILES.flatMap(({ file, text }) => offences(file, text))).toEqual([]);
  });

  it("are allowed elsewhere only where they are", () => {
    const idle = Object.entries(ALLOWED).filter(([allowed, [, words]]) => {
      const text = FILES.find(({ file }) => file === allowed)?.text ?? "";
      return !namings(allowed, text).some(({ word }) => words.test(word));
    });
    expect(idle).toEqual([]);
  });

  it.each(
    UNITS.flatMap(({ name }) => [
      `if (technique === "${name}") drain();`,
      `const ${name}Log = 1;`,
      `drain(\`the ${name.toUpperCase()} log of ${"$"}{vcpu}\`);`,
      `const { ${name}: found } = units;`,
      `import { unit } from "../units/${name}/declaration.ts";`,
      `type Which = "${name}" | "none";`,
    ]),
  )("are found where they are planted: %s", (planted) => {
    expect(offences("src/system/wiring.ts", planted)).toHaveLength(1);
    // An allowed file may use its words alone.
    expect(offences("src/cli/run.ts", planted)).toHaveLength(1);
  });

  it("are not minded in comments, in a unit's own files, and as names of estimators", () => {
    const [{ name } = { name: "" }] = UNITS;
    expect(offences("src/system/wiring.ts", `// As ${name} does.`)).toEqual([]);
    expect(offences(`src/units/${name}/walk.ts`, `const ${name} = 1;`)).toEqual([]);
    expect(offences("src/system/wiring.ts", `const own = { kind: "${name}" };`)).toEqual([]);
  });
});
