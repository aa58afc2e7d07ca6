/** The library from the tarball, in an empty project: the programs of docs/library.md, typed, and what they print. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesOf, programsOf, Stranger } from "./stranger.ts";

const MINUTES = 60_000;
const programs = programsOf("library.md");
const stranger = new Stranger();
beforeAll(() => {
  stranger.unpack(["@types/node", "undici-types", "typescript"]);
  for (const { name, language, program } of programs)
    stranger.write(`${name}.${language}`, program);
  for (const { name, text } of filesOf("library.md")) stranger.write(name, text);
});
afterAll(() => stranger.remove());

describe("docs/library.md", () => {
  it("has programs, in TypeScript and in JavaScript", () => {
    expect(new Set(programs.map(({ language }) => language))).toEqual(new Set(["ts", "js"]));
    expect(programs.length).toBeGreaterThanOrEqual(4);
  });

  it("their types hold under strict, declarations of all libraries checked", {
    timeout: 3 * MINUTES,
  }, () => {
    const compilerOptions = {
      ...{ target: "ES2022", module: "NodeNext", strict: true, skipLibCheck: false },
      ...{ types: ["node"], outDir: "out", rootDir: "." },
    };
    const files = programs.filter(({ language }) => language === "ts");
    const config = { compilerOptions, files: files.map(({ name }) => `${name}.ts`) };
    stranger.write("tsconfig.json", JSON.stringify(config));
    const compiler = join("node_modules", "typescript", "bin", "tsc");
    expect(stranger.run(process.execPath, compiler, "-p", ".")).toBe("");
    for (const { name, output } of files) {
      expect(stranger.run(process.execPath, `out/${name}.js`)).toBe(output);
    }
  });

  it.each(programs.filter(({ language }) => language === "js"))(
    "$name prints what the page shows",
    { timeout: MINUTES },
    ({ name, output }) => {
      expect(stranger.run(process.execPath, `${name}.js`)).toBe(output);
    },
  );
});

it("the program itself runs from there, with what is shipped", { timeout: MINUTES }, () => {
  const main = "node_modules/trackvisor/dist/src/cli/main.js";
  expect(stranger.run(process.execPath, main, "scenarios")).toContain("sort under PML");
  const litmus = "node_modules/trackvisor/test/litmus";
  expect(stranger.run(process.execPath, main, "litmus", litmus)).toMatch(/ 0 failed/);
});

it("a queue asks for the packages that it needs, which nobody else does", {
  timeout: MINUTES,
}, () => {
  const main = "node_modules/trackvisor/dist/src/cli/main.js";
  const words = [main, "worker", "redis://127.0.0.1:1"];
  const { status, stderr } = spawnSync(process.execPath, words, {
    cwd: stranger.directory,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: "trackvisor: a queue needs two packages more: npm install bullmq ioredis\n",
  });
});
