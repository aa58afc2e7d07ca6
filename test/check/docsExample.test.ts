/** The programs and commands of docs/check-library.md, copied as a reader would, print what is shown below them. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Scratch } from "../cli/command.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const text = readFileSync(join(ROOT, "docs", "check-library.md"), "utf8");

const scratch = new Scratch();
beforeAll(() => {
  // The examples' paths are those of a clone.
  mkdirSync(scratch.path("docs"));
  symlinkSync(join(ROOT, "docs", "examples"), scratch.path("docs/examples"));
  const [, typed] = /```ts\n([\s\S]*?)```/.exec(text)!;
  scratch.write("lock.ts", typed!);
});
afterAll(() => {
  scratch.remove();
});

/** How long it took is another each time. */
const timeless = (output: string): string =>
  output.replaceAll(/[\d.]+ s, [\d,]+ a second|, [\d.]+ s(?=;|\n)/g, "TIME").trimEnd();

describe("a command", () => {
  const commands = [...text.matchAll(/```\n\$ trackvisor (.*)\n([\s\S]*?)```/g)];
  expect(commands.length).toBeGreaterThan(1);
  it.each(commands.map(([, words, output]) => [words!, output!]))(
    "trackvisor %s",
    async (words, output) => {
      const { out, err } = await scratch.run(words.split(" "));
      expect(err).toBe("");
      expect(timeless(out)).toBe(timeless(output));
    },
  );
});

it("the whole program, in a project that has the package", { timeout: 60_000 }, () => {
  const [, program, output] = /```js\n([\s\S]*?)```\n\n```\n\$ node lock\.mjs\n([\s\S]*?)```/.exec(
    text,
  )!;
  const modules = scratch.path("node_modules");
  mkdirSync(modules);
  // As npm does it for a package by its path.
  symlinkSync(ROOT, join(modules, "trackvisor"));
  symlinkSync(join(ROOT, "node_modules", "xstate"), join(modules, "xstate"));
  writeFileSync(scratch.path("lock.mjs"), program!);
  const printed = execFileSync(process.execPath, ["lock.mjs"], {
    cwd: scratch.directory,
    encoding: "utf8",
  });
  expect(printed).toBe(output);
});
