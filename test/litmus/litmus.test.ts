import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadLitmus } from "../../src/litmus/load.ts";
import { findLitmusFiles } from "../../src/litmus/paths.ts";
import { describeFailure, testTitle } from "../../src/litmus/report.ts";
import { runLitmus } from "../../src/litmus/run.ts";

/** The conformance cases of the hardware; numbers between them are not cases of the list. */
const HARDWARE_CASES = [
  1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 16, 17, 18, 21, 22, 23, 24, 25, 26, 30, 31, 32, 36, 37,
  38, 40, 42, 45, 49, 50, 51, 52, 53, 54, 55, 56, 59, 62, 65, 66, 68,
];

const files = await findLitmusFiles(["test/litmus"]);
const tests = files.flatMap((file) => loadLitmus(file, readFileSync(file, "utf8")));

describe.each(files)("%s", (file) => {
  for (const test of tests.filter((one) => one.file === file)) {
    const { name, parameters, cases = [] } = test;
    const result = { file, name, parameters, cases, passed: true, failure: null };
    it(testTitle(result), () => {
      const { failure, ...rest } = runLitmus(test);
      if (failure !== null) expect.fail(describeFailure({ ...rest, failure }).join("\n"));
    });
  }
});

it("names every conformance case of the hardware", () => {
  const named = new Set(tests.flatMap(({ cases = [] }) => cases));
  expect(HARDWARE_CASES.filter((number) => !named.has(number))).toEqual([]);
  expect([...named].filter((number) => !HARDWARE_CASES.includes(number))).toEqual([]);
});
