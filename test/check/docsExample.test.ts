/** The program of docs/check.md, copied into a file as a reader would, prints what is shown below it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
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
    for (const name of ["dist", "node_modules"])
      symlinkSync(join(ROOT, name), join(directory, name));
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
