/** A short run of `npm run fuzz:files`: files that were made up, each read by a command. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { Cases } from "./cases.ts";

const CASES = 150;
const SEED = 2026;

let cases: Cases;
beforeAll(async () => {
  cases = await Cases.create();
});
afterAll(() => cases.close());

it("a file that was made up is refused in one line, or read: no stack, nothing written elsewhere", async () => {
  const kinds = new Set<string>();
  const codes = new Set<number>();
  for (let number = 0; number < CASES; number++) {
    const { kind, words, code, problem } = await cases.run(SEED, number);
    kinds.add(kind);
    codes.add(code);
    expect(problem, `case ${number}: trackvisor ${words.join(" ")}`).toBeUndefined();
  }
  expect(kinds.size).toBeGreaterThanOrEqual(8);
  expect([...codes].sort()).toEqual([0, 1, 2]);
});
