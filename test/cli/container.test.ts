/** The container recipe does what the program can do: its command is one of ours, on a Node that the package takes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const recipe = readFileSync(join(ROOT, "Dockerfile"), "utf8");

function arrayOf(instruction: string): readonly string[] {
  const [, text = ""] = new RegExp(`^${instruction} (\\[.*\\])$`, "m").exec(recipe) ?? [];
  return JSON.parse(text) as string[];
}

it("starts what package.json calls the program, and asks it for the quick study", () => {
  const { bin } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly bin: Readonly<Record<string, string>>;
  };
  expect(arrayOf("ENTRYPOINT")).toEqual(["node", bin["trackvisor"]]);
  const [name, ...rest] = arrayOf("CMD");
  expect(COMMANDS.map((one) => one.name)).toContain(name);
  expect(rest).toEqual(["run", "all", "--quick", "--out", "/results"]);
});

it("has a Node of the line that the package names, and leaves out what was built elsewhere", () => {
  expect(recipe).toMatch(/^FROM node:20-slim$/m);
  expect(readFileSync(join(ROOT, "package.json"), "utf8")).toContain('"node": ">=20.');
  const left = readFileSync(join(ROOT, ".dockerignore"), "utf8").split("\n");
  for (const name of ["node_modules", "dist", ".git"]) expect(left).toContain(name);
});
