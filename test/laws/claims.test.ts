/** What holds for every claim of the study. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { EXPERIMENTS } from "../../src/experiments/all.ts";
import { CLAIMS } from "../../src/experiments/study/claims.ts";

const results = readFileSync(join(import.meta.dirname, "..", "..", "docs", "results.md"), "utf8");

it.each(CLAIMS.map((claim) => [claim.text, claim] as const))("%s", (text, claim) => {
  // Its experiment is there, its figures are among that one's, and the results say what came of it.
  expect(EXPERIMENTS.map(({ name }) => name)).toContain(claim.experiment);
  const section = results
    .split(/^## /m)
    // The first part is the table of claims, which names them all.
    .slice(1)
    .find((one) => one.includes(`experiment run ${claim.experiment}\``));
  const rows = (section ?? "").split("\n").filter((line) => line.startsWith("| "));
  const own = rows.filter((row) =>
    claim.rows.test(row.slice(2).replace(/ \([^)]*\) \|.*| \|.*/, "")),
  );
  expect(own.length).toBeGreaterThan(0);
  expect(results).toContain(`| ${text} | ${claim.source} |`);
});
