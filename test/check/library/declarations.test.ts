/** A TypeScript project that installs the package as it is published compiles against it, without skipLibCheck. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");

const PROGRAM = `
import { type ActorState, actorModel, Exploration, inState, over, verdictsOf } from "trackvisor/check";
import { createMachine } from "xstate";
const machine = createMachine({ initial: "a", context: { n: 0 }, states: { a: { on: { go: "b" } }, b: {} } });
const isZero = over(["A"], ({ context }: ActorState<{ readonly n: number }>) => context.n === 0);
const model = actorModel({ name: "m", actors: { A: { machine, choices: [{ type: "go" }] } }, wires: [],
  properties: [{ kind: "sometimes", name: "b", that: inState("A", "b") }, { kind: "always", name: "0", that: isZero }] });
const exploration = new Exploration(model);
exploration.run();
export const verdicts: readonly string[] = verdictsOf(exploration).map(({ verdict }) => verdict);
`;

it("compiles ten lines, and refuses a misspelt kind of property", { timeout: 120_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "trackvisor-types-"));
  try {
    const modules = join(directory, "node_modules");
    mkdirSync(modules);
    const pack = ["pack", "--ignore-scripts", "--silent", "--pack-destination", directory];
    const tarball = execFileSync("npm", pack, { cwd: ROOT, encoding: "utf8" }).trim();
    execFileSync("tar", ["xf", tarball], { cwd: directory });
    renameSync(join(directory, "package"), join(modules, "trackvisor"));
    symlinkSync(join(ROOT, "node_modules", "xstate"), join(modules, "xstate"));
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: "ES2022",
      module: "NodeNext",
      types: [],
      skipLibCheck: false,
    };
    writeFileSync(join(directory, "package.json"), '{ "type": "module" }');
    writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    const compiled = (program: string): string => {
      writeFileSync(join(directory, "model.ts"), program);
      const options = { cwd: directory, encoding: "utf8" } as const;
      return spawnSync(process.execPath, [TSC, "-p", "."], options).stdout;
    };
    expect(compiled(PROGRAM)).toBe("");
    expect(compiled(PROGRAM.replace('"sometimes"', '"sometime"'))).toContain('"sometime"');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
