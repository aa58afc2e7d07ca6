/** The table of real programs (docs/guests.md): of each that runs here PML's harvests are what was true. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { IS_ALL } from "../share.ts";

const PROGRAM = join(import.meta.dirname, "..", "..", "dist", "src", "cli", "main.js");

// A minute: with `npm run test:all`.
it.skipIf(!IS_ALL)("of real programs PML reports what was written", { timeout: 600_000 }, () => {
  const { stdout, status } = spawnSync(process.execPath, [PROGRAM, "guest", "programs"], {
    encoding: "utf8",
  });
  expect(status).toBe(0);
  const rows = stdout
    .trim()
    .split("\n")
    .slice(2)
    .map((line) => line.split("|").map((cell) => cell.trim()));
  expect(rows.length).toBeGreaterThanOrEqual(4);
  for (const row of rows) {
    const [reported, truth] = row[6]!.split(" / ");
    expect(reported, row[1]).toBe(truth);
    expect(Number(truth), row[1]).toBeGreaterThan(1);
  }
});
