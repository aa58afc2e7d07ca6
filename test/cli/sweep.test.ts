/** `trackvisor sweep` and `merge`: the same result on any number of threads and machines, each run done once. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SweepResult } from "../../src/questions/sweep/result.ts";
import { type Outcome, Scratch } from "./command.ts";

const scratch = new Scratch();
const TIMEOUT = 120_000;
afterAll(() => scratch.remove());

const HOT = `name: hot and cold
vms:
  - workload: { kind: hotCold, pages: 2000, hotPages: 100, hotProbability: 0.9, accesses: 6000, writeFraction: 0.3 }
`;
const VARIED = ["--vary", "tracker.technique=pml,prl", "--vary", "machine.logEntries=128..512*2"];
const SWEEP = ["sweep", "hot.yaml", ...VARIED, "--seeds", "1..3"];
const METRICS = ["--metric", "overhead,exits,recall"];

const read = (name: string): string => readFileSync(scratch.path(name), "utf8");
const resultIn = (name: string): SweepResult => JSON.parse(read(name));

async function fine(words: readonly string[]): Promise<Outcome> {
  const outcome = await scratch.run(words);
  expect(outcome).toMatchObject({ err: "", code: 0 });
  return outcome;
}

/** @param said what each line of the refusal has */
async function refused(words: readonly string[], ...said: readonly (string | RegExp)[]) {
  const { out, err, code } = await scratch.run(words);
  expect({ code, out }, words.join(" ")).toEqual({ code: 2, out: "" });
  const lines = err.trimEnd().split("\n");
  expect(lines).toHaveLength(said.length);
  for (const [n, text] of said.entries()) expect(lines[n]).toMatch(text);
}

describe("trackvisor sweep", { timeout: TIMEOUT }, () => {
  beforeAll(async () => {
    scratch.write("hot.yaml", HOT);
    const words = ["--store", "store", "--workers", "1", "-o", "whole.json", "--csv", "whole.csv"];
    await fine([...SWEEP, ...METRICS, ...words]);
  }, TIMEOUT);

  it("has a row for each combination, with means over the seeds and their intervals", () => {
    const { points, sweep } = resultIn("whole.json");
    expect(sweep).toMatchObject({ scenario: "hot and cold", points: 6, seeds: [1, 2, 3] });
    expect(points.map(({ values }) => Object.values(values))).toEqual(
      ["pml", "prl"].flatMap((technique) => [128, 256, 512].map((entries) => [technique, entries])),
    );
    for (const { runs, means, intervals } of points) {
      expect(runs.map(({ seed }) => seed)).toEqual([1, 2, 3]);
      const exits = runs.map(({ measures }) => measures["exits"]!);
      expect(means["exits"]).toBeCloseTo(exits.reduce((sum, one) => sum + one) / 3, 9);
      expect(intervals["overhead"]).toBeGreaterThan(0);
    }
    // PML stops the guest for each full log; a longer one is full less often.
    const [short, middle, long] = points.map(({ means }) => means["exits"]!);
    expect(short).toBeGreaterThan(middle!);
    expect(middle).toBeGreaterThan(long!);
    const csv = read("whole.csv").split("\r\n");
    expect(csv[0]).toBe(
      "point,tracker.technique,machine.logEntries,runs,overhead (%),overhead (%) interval,exits,exits interval,recall,recall interval",
    );
    expect(csv).toHaveLength(8);
  });

  it("says what compare says", async () => {
    const words = ["hot.yaml", "--trackers", "pml", "--seeds", "1..3", "--json"];
    const { out } = await fine(["compare", ...words]);
    const [row] = JSON.parse(out).rows;
    const { means, intervals } = resultIn("whole.json").points[2]!;
    for (const name of ["overhead", "exits", "recall"]) {
      expect([name, means[name]]).toEqual([name, row.measures[name]]);
      expect([name, intervals[name]]).toEqual([name, row.intervals[name]]);
    }
  });

  it("is the same on two threads, byte for byte", async () => {
    await fine([...SWEEP, ...METRICS, "--store", "two", "--workers", "2", "-o", "two.json"]);
    expect(read("two.json")).toBe(read("whole.json"));
  });

  it("runs nothing twice, and prints the table, the plot, or the JSON of the same", async () => {
    const files = readdirSync(scratch.path("store"));
    // 18 runs, and those of 3 seeds without tracking.
    expect(files).toHaveLength(21);
    const { out } = await fine([...SWEEP, ...METRICS, "--store", "store", "--json"]);
    expect(`${JSON.stringify(JSON.parse(out), undefined, 1)}\n`).toBe(read("whole.json"));
    const { out: text } = await fine([...SWEEP, ...METRICS, "--store", "store"]);
    expect(text).toMatch(/│ pml +│ 128 +│ +\d+\.\d+ ±\S+ │/);
    expect(text).toContain("overhead (%) over machine.logEntries");
    expect(text).toMatch(/● technique=pml\n {2}○ technique=prl/);
    expect(readdirSync(scratch.path("store"))).toEqual(files);
  });

  it("does a run again whose file is damaged, and says so", async () => {
    const [file] = readdirSync(scratch.path("two"));
    const path = join(scratch.path("two"), file!);
    const before = readFileSync(path, "utf8");
    writeFileSync(
      path,
      before.replace(/\d/, (digit) => String((Number(digit) + 1) % 10)),
    );
    const words = ["--store", "two", "-o", "again.json"];
    const { err, code } = await scratch.run([...SWEEP, ...METRICS, ...words]);
    expect(code).toBe(0);
    expect(err).toBe(`trackvisor: two/${file}: damaged, not used; its run is done again\n`);
    expect(read("again.json")).toBe(read("whole.json"));
    expect(readFileSync(path, "utf8")).toBe(before);
  });

  it("goes on where it was interrupted", async () => {
    const directory = scratch.path("cut");
    const stored = (): string[] => {
      try {
        return readdirSync(directory).filter((name) => name.endsWith(".json"));
      } catch {
        return [];
      }
    };
    const words = [...SWEEP, "--set", "vms.0.workload.accesses=400000", "--store", "cut"];
    const long = [...words, "--metric", "exits", "--workers", "1", "-o", "cut.json"];
    const { err, code } = await scratch.run(long, { interruptWhen: () => stored().length >= 2 });
    expect(code).toBe(130);
    expect(err).toMatch(/interrupted; finished runs are kept/);
    expect(scratch.list()).not.toContain("cut.json");
    const kept = stored();
    expect(kept.length).toBeGreaterThanOrEqual(2);
    expect(kept.length).toBeLessThan(18);
    await fine(long);
    expect(stored()).toEqual(expect.arrayContaining(kept));
    expect(resultIn("cut.json").points).toHaveLength(6);
  });

  it("takes points from a file, and numbers that only the operation has", async () => {
    scratch.write(
      "points.csv",
      "operation.kind,tracker.technique\nmigrate,pml\nmigrate,writeProtect\n",
    );
    const words = [
      "--points",
      "points.csv",
      "--metric",
      "downtime,rounds,sent",
      "--store",
      "store",
    ];
    const { out } = await fine(["sweep", "hot.yaml", ...words, "--json"]);
    const { points } = JSON.parse(out) as SweepResult;
    expect(points).toHaveLength(2);
    for (const { means } of points) {
      expect(means["downtime"]).toBeGreaterThan(0);
      expect(means["rounds"]).toBeGreaterThan(0);
    }
  });

  it("tells which runs failed, and ends with 1", async () => {
    const planted = [
      "--set",
      "faults=[skipInvept]",
      "--set",
      "operation={kind: measure, harvest: 20us}",
    ];
    const words = [
      "sweep",
      "hot.yaml",
      "--vary",
      "tracker.technique=pml,writeProtect",
      "--store",
      "store",
    ];
    const { code, err } = await scratch.run([...words, ...planted]);
    expect(code).toBe(1);
    expect(err).toMatch(/tracker.technique=\w+, seed 1: vm0: round \d+ lost/);
  });

  it("refuses what is no sweep before any run", async () => {
    const sweep = (...words: string[]) => ["sweep", "hot.yaml", "--store", "none", ...words];
    await refused(sweep("--vary", "seed=1..2000"), /a sweep of 2,000 runs; give --yes/);
    await refused(
      sweep("--vary", "tracker.technique=pml,plm", "--vary", "machine.logEntries=0,64"),
      /machine.logEntries: Too small.*not 0 \(at tracker.technique=pml, machine.logEntries=0, and 1 more\)/,
      /expected one of .* not "plm"; did you mean "pml"\?/,
      /2 mistakes; nothing was run/,
    );
    await refused(
      sweep("--vary", "machine.cpus=1,2", "-o", "whole.json"),
      /exists; choose another/,
    );
    expect(scratch.list()).not.toContain("none");
  });
});

describe("trackvisor merge", { timeout: TIMEOUT }, () => {
  const SHARES = ["part1.json", "part2.json", "part3.json"];
  beforeAll(async () => {
    for (const [n, file] of SHARES.entries()) {
      const words = ["--store", `machine${n}`, "--shard", `${n + 1}/3`, "-o", file];
      await fine([...SWEEP, ...METRICS, ...words]);
    }
  }, TIMEOUT);

  it("makes of the shares of several machines what one would have made, byte for byte", async () => {
    expect(SHARES.map((file) => resultIn(file).points.map(({ index }) => index))).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
    await fine(["merge", ...SHARES, "-o", "merged.json", "--csv", "merged.csv"]);
    expect(read("merged.json")).toBe(read("whole.json"));
    expect(read("merged.csv")).toBe(read("whole.csv"));
    // A share that was done twice is the same.
    const { out } = await fine(["merge", "part2.json", ...SHARES, "--json"]);
    expect(JSON.parse(out)).toEqual(resultIn("whole.json"));
  });

  it("refuses what does not belong together, and leaves its files as they are", async () => {
    const words = ["merge", "part1.json", "part3.json", "-o", "gap.json"];
    await refused(words, /2 of 6 points are missing: 1, 4 \(no file of --shard 2\/3\)/);
    await fine([...SWEEP.slice(0, -1), "4", ...METRICS, "--store", "seeds", "-o", "seeds.json"]);
    await refused(["merge", ...SHARES, "seeds.json"], /are of different sweeps/);
    expect(scratch.list()).toEqual(expect.arrayContaining([...SHARES, "seeds.json"]));
    expect(scratch.list()).not.toContain("gap.json");
  });
});
