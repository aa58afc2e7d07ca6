/** The program of docs/check.md, copied into a file as a reader would, prints what is shown below it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");

it("other people's machines are checked as docs/check.md shows", { timeout: 60_000 }, () => {
  const text = readFileSync(join(ROOT, "docs", "check.md"), "utf8");
  const [, program, output] = /```js\n([\s\S]*?)```\n\n```\n\$ node lock\.mjs\n([\s\S]*?)```/.exec(
    text,
  )!;
  const directory = mkdtempSync(join(tmpdir(), "trackvisor-docs-"));
  try {
    const modules = join(directory, "node_modules");
    mkdirSync(modules);
    // As npm does it for a package by its path.
    symlinkSync(ROOT, join(modules, "trackvisor"));
    symlinkSync(join(ROOT, "node_modules", "xstate"), join(modules, "xstate"));
    writeFileSync(join(directory, "lock.mjs"), program!);
    const printed = execFileSync(process.execPath, ["lock.mjs"], {
      cwd: directory,
      encoding: "utf8",
    });
    expect(printed).toBe(output);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
