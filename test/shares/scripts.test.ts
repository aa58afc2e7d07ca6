/** Soaks, files that were made up, and mutants in shares: the merged report is that of one machine. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseShard } from "../../src/shares/shard.ts";
import {
  mergeShares,
  parseShare,
  type Share,
  type ShareKind,
  shareOf,
  shareText,
  type Work,
} from "../../src/shares/shareFile.ts";
import { FORGED_SHARES, type ForgedResult } from "../forge/share.ts";
import { findingText, tallyText } from "../forge/tally.ts";
import { handMade } from "../mutants/lists.ts";
import { page, score, summary } from "../mutants/report.ts";
import { MUTANT_SHARES, type MutantResult, mutantWork, triedOf } from "../mutants/share.ts";
import { textOf } from "../mutants/sources.ts";
import { SOAK_SHARES, type SoakResult } from "../soak/share.ts";
import { workOf } from "./toolShares.ts";
import { treeVersion } from "./treeVersion.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const directory = mkdtempSync(join(tmpdir(), "trackvisor-shares-"));
afterAll(() => rmSync(directory, { recursive: true }));
const path = (name: string): string => join(directory, name);
const read = (name: string): string => readFileSync(path(name), "utf8");

/** As npm starts it: at the root. */
function start(script: "soak" | "forge", ...words: readonly string[]) {
  const main = join(ROOT, "dist", "test", script, "main.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

/** The shares of a work, as they are read from files, merged. */
function merged<Asked, Result>(
  kind: ShareKind<Asked, Result>,
  work: Work<Asked>,
  resultAt: (place: number) => Result,
): Share<Asked, Result> {
  const shards = ["3/3", "1/3", "2/3"].map((text) => parseShard(text));
  const read = shards.map((shard) => {
    return parseShare(kind, "part", shareText(shareOf(kind, work, shard, resultAt)));
  });
  return mergeShares(kind, read);
}

describe("npm run soak", { timeout: 600_000 }, () => {
  const RUN = ["--runs", "3", "--seed", "20", "--from", "5"];

  it("in shares tells what it tells on one machine, and writes the same", () => {
    const whole = start("soak", ...RUN, "-o", path("whole.json"));
    expect(whole.stdout).toContain("3 cases, ");
    for (const n of [1, 2]) {
      expect(start("soak", ...RUN, "--shard", `${n}/2`, "-o", path(`${n}.json`)).status).toBe(0);
    }
    const files = ["2.json", "1.json"].map(path);
    const { status, stdout, stderr } = start(
      "soak",
      "--merge",
      ...files,
      "-o",
      path("merged.json"),
    );
    expect([status, stdout, stderr]).toEqual([0, whole.stdout, ""]);
    expect(read("merged.json")).toBe(read("whole.json"));
    expect(start("soak", "--merge", path("2.json")).stderr).toBe(
      "soak: 2 of 3 cases are missing: 0, 2 (no file of --shard 1/2)\n",
    );
  });

  it("has the failures of all shares, and their files", () => {
    const failed: SoakResult = {
      refusal: null,
      ran: null,
      problem: { kind: "stuck", what: "nothing goes on", small: "name: small\n" },
    };
    const fine: SoakResult = { ...failed, problem: null, refusal: "a VM of 3 pages is too small" };
    const work = workOf({ seed: 7, from: 10, runs: 2 }, ["10", "11"]);
    const files = [1, 2].map((index) => {
      const share = shareOf(
        SOAK_SHARES,
        work,
        { index, count: 2 },
        (place) => [fine, failed][place]!,
      );
      writeFileSync(path(`failed${index}.json`), shareText(share));
      return path(`failed${index}.json`);
    });
    const { status, stdout } = start("soak", "--merge", ...files, "--out", path("soak"));
    expect(status).toBe(1);
    const file = path("soak/soak-7-11.yaml");
    expect(stdout).toContain(`11: stuck: nothing goes on\n  ${file}\n`);
    expect(stdout).toContain("1 failed, 1 refused\n  1 x a VM of N pages is too small\n");
    expect(readFileSync(file, "utf8")).toBe("name: small\n");
  });

  it.each([
    [["--shard", "1/2"], /^soak: --shard goes with -o FILE, for --merge\n$/],
    [["--rnus", "3"], /unknown option '--rnus'/],
    [["--merge", "x", "--seed", "1"], /'--merge <files...>' cannot be used with option '--seed/],
  ])("%j is refused", (words, said) => {
    const { status, stdout, stderr } = start("soak", ...words);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(said);
  });
});

it("npm run fuzz:files tells of merged shares what it tells on one machine", {
  timeout: 600_000,
}, () => {
  const results = Array.from({ length: 7 }, (_, place): ForgedResult => {
    const kept = {
      kind: place % 2 === 0 ? "log" : "trace",
      words: ["log", "stats"],
      problem: null,
    };
    return { ...kept, code: place % 3 };
  });
  results[4] = { kind: null, words: [], code: null, problem: "the process ended: SIGKILL: " };
  const work = workOf(
    { seed: 1, from: 0, cases: results.length },
    results.map((_, place) => String(place)),
  );
  const files = [1, 2].map((index) => {
    const share = shareOf(FORGED_SHARES, work, { index, count: 2 }, (place) => results[place]!);
    writeFileSync(path(`forged${index}.json`), shareText(share));
    return path(`forged${index}.json`);
  });
  const { status, stdout } = start("forge", "--merge", ...files);
  expect(status).toBe(1);
  expect(stdout).toBe(`${findingText(4, results[4])}${tallyText(results)}`);
  expect(stdout).toContain("7 cases\n  log                   3, refused with exit code 2: 1\n");
});

describe("npm run mutants", () => {
  const text = (file: string): string => textOf(ROOT, file);
  const mutants = handMade(ROOT).slice(0, 40);
  const asked = { seed: 1, sample: 0, byHand: null, only: null, quick: false };
  const work = mutantWork(asked, mutants, text);
  const resultAt = (place: number): MutantResult => ({
    caught:
      place % 10 === 9
        ? null
        : { judge: { kind: "model", name: "pml" }, by: `property ${place}`, messages: place },
    judges: 3,
    seconds: place / 3,
  });

  it("of merged shares writes the page and finds the score of one machine", () => {
    const whole = triedOf(shareOf(MUTANT_SHARES, work, null, resultAt), mutants, text);
    const all = triedOf(merged(MUTANT_SHARES, work, resultAt), mutants, text);
    const setting = { date: "2026-11-29", seed: 1, proposals: 9, byHand: 40 };
    expect(page(all, setting)).toBe(page(whole, setting));
    expect([summary(all), score(all)]).toEqual([summary(whole), score(whole)]);
    expect(score(all)).toBe(90);
  });

  it("may be noticed by another judge on another machine, but not be noticed there and survive here", () => {
    const parts = (other: (place: number) => MutantResult) =>
      [resultAt, other].map((at, n) => ({
        file: `part${n + 1}.json`,
        share: shareOf(MUTANT_SHARES, work, null, at),
      }));
    const slower = (place: number): MutantResult => ({ ...resultAt(place), seconds: 99 });
    expect(mergeShares(MUTANT_SHARES, parts(slower)).items).toHaveLength(mutants.length);
    const survivor = (place: number): MutantResult => ({ ...resultAt(place), caught: null });
    expect(() => mergeShares(MUTANT_SHARES, parts(survivor))).toThrow(
      /^part1.json and part2.json differ in mutant 0 \(/,
    );
  });

  it("are of their own texts: a list of other mutants is another work", () => {
    const changed = mutants.map((one, n) =>
      n === 0 ? { ...one, edit: { ...one.edit, text: "x" } } : one,
    );
    const share = (of: readonly (typeof mutants)[number][], n: number) => ({
      file: `part${n}.json`,
      share: shareOf(MUTANT_SHARES, mutantWork(asked, of, text), { index: n, count: 2 }, resultAt),
    });
    expect(() => mergeShares(MUTANT_SHARES, [share(mutants, 1), share(changed, 2)])).toThrow(
      /are of different lists$/,
    );
  });
});

it("the version of a tree changes with any of its sources, tests and libraries", () => {
  expect(treeVersion(ROOT)).toBe(treeVersion(ROOT));
  expect(treeVersion(ROOT)).toMatch(/^[0-9a-f]{32}$/);
});
