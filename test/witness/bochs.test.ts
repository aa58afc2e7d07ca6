/** The shipped litmus suite, asked of Bochs; skipped where there is no Bochs, or nothing that builds the image. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { hasProgram } from "../../src/io/scratch.ts";
import { loadLitmus } from "../../src/litmus/load.ts";
import { findLitmusFiles } from "../../src/litmus/paths.ts";
import { hasBochs } from "../../src/witness/bochs.ts";
import { RULES } from "../../src/witness/explained.ts";
import { BUILDERS } from "../../src/witness/imageFile.ts";
import type { WitnessReport } from "../../src/witness/report.ts";
import { askOn } from "../../src/witness/witness.ts";
import { withWitness } from "./page.ts";

const root = join(import.meta.dirname, "..", "..");
const page = join(root, "docs", "witnesses.md");
const LONG = 300_000;
const canAsk = hasBochs() && BUILDERS.every(hasProgram);
if (!canAsk) console.log("no Bochs (Debian: bochs, bochsbios, gcc): it is not asked");

function suite(file = "") {
  return findLitmusFiles([join(root, "test/litmus", file)]).flatMap((path) =>
    loadLitmus(path, readFileSync(path, "utf8")),
  );
}

describe.skipIf(!canAsk)("Bochs and the litmus suite", () => {
  let report: WitnessReport;
  beforeAll(async () => {
    report = await askOn("bochs", suite());
  }, LONG);

  it("is asked most of it", () => {
    // Litmus tests of units that no processor has make this a smaller part of all.
    expect(report.asked).toBeGreaterThanOrEqual(951);
    expect(report.values).toBeGreaterThan(13_000);
  });

  it("differs only for reasons that are known", () => {
    expect(report.differing.map(({ test, found }) => [test.name, found])).toEqual([]);
  });

  it("differs where it is known to differ, test by test, and nowhere else", () => {
    const version = /^Bochs (\S+)$/.exec(report.witness)?.[1] ?? "";
    const file = join(import.meta.dirname, "explained", `bochs-${version}.json`);
    // A fault that changes one value in hundreds of tests is counted; where the ways part, each test is named.
    const explained = Object.fromEntries(
      RULES.map(({ name, kind }) => {
        const tests = report.explained.get(name) ?? [];
        return [name, kind === "value" ? tests.length : tests];
      }),
    );
    const counts = [...report.notAsked].map(([need, tests]) => [need, tests.length] as const);
    const now = {
      witness: report.witness,
      tests: report.tests,
      askedTests: report.asked,
      adapted: report.adapted,
      values: report.values,
      agreeing: report.agreeing,
      explained,
      notAsked: Object.fromEntries(counts.sort(([, a], [, b]) => b - a)),
    };
    if (process.env["UPDATE_WITNESS"] !== undefined) {
      const asked = new Date().toISOString().slice(0, 10);
      writeFileSync(file, `${JSON.stringify({ ...now, asked }, null, 2)}\n`);
      writeFileSync(page, withWitness(readFileSync(page, "utf8"), { ...now, asked }));
    }
    // Of other versions there is no such list yet.
    if (version !== "2.7") return;
    const { asked, ...stored } = JSON.parse(readFileSync(file, "utf8"));
    expect(now).toEqual(stored);
    const markdown = readFileSync(page, "utf8");
    expect(withWitness(markdown, { ...now, asked })).toBe(markdown);
  });

  it("and each of the rules is needed", () => {
    const idle = RULES.filter(
      ({ name, versions }) =>
        versions.test(report.witness.replace("Bochs ", "")) && !report.explained.has(name),
    );
    expect(idle.map(({ name }) => name)).toEqual([]);
  });
});
