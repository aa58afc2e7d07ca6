import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { litmusCommand } from "../../src/cli/litmus.ts";
import { UserError } from "../../src/errors.ts";

let directory = "";
let output = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "litmus-"));
  output = "";
  // Another file's, where files of tests share a process.
  process.exitCode = undefined;
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    output += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  rmSync(directory, { recursive: true });
});

function file(text: string): string {
  const path = join(directory, "one.litmus.yaml");
  writeFileSync(path, text);
  return path;
}

const run = (...args: string[]) => litmusCommand().parseAsync(args, { from: "user" });
const PASSING = "name: fine\ncases: [9]\nept: [{ gpa: 0 }]\nsteps: [{ write: 0 }]\n";
const FAILING = "name: bad\nsteps: [{ write: 0 }]\n";

it("prints totals, and ends with 0 when all pass", async () => {
  await run(file(PASSING));
  expect(output).toBe("1 passed, 0 failed, in 1 file\n");
  expect(process.exitCode).toBeUndefined();
});

it("names the tests when asked", async () => {
  await run("--verbose", "--case", "9", file(PASSING));
  expect(output).toContain("one.litmus.yaml: fine (case 9)\n");
});

it("ends with 1 when an expectation fails", async () => {
  await run(file(FAILING));
  expect(output).toContain(
    "expected completed\n      actual   exit eptViolation\n0 passed, 1 failed",
  );
  expect(process.exitCode).toBe(1);
});

it("prints one JSON object", async () => {
  await run("--json", "--verbose", file(FAILING));
  expect(JSON.parse(output)).toMatchObject({ files: 1, tests: 1, passed: 0, failed: 1 });
  expect(process.exitCode).toBe(1);
});

it("rejects bad input with a UserError", async () => {
  await expect(run(join(directory, "missing"))).rejects.toThrow(UserError);
  await expect(run(file("nonsense"))).rejects.toThrow(UserError);
  await expect(run("--case", "77", file(PASSING))).rejects.toThrow("no test names case 77");
});
