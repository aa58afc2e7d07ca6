/** Swarms of random walks: what all seeds have seen together, on one machine or many. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CheckRun } from "../../src/check/checkRun.ts";
import {
  type SeedReport,
  type SwarmReport,
  seedReport,
  swarmReport,
} from "../../src/check/swarm.ts";
import { Scratch } from "../cli/command.ts";

const FAULT = "clear-before-drain";
const SEEDS = [1, 2, 3, 4, 5, 6];
const BOUNDS = { walks: 1, steps: 60 };

function walked(seed: number): CheckRun {
  const target = { model: "pml", set: {}, mutation: FAULT };
  const run = new CheckRun(target, { order: "random", seed, bounds: BOUNDS });
  run.explore();
  return run;
}

describe("a swarm", () => {
  const reports = new Map<number, SeedReport>();
  let swarm: SwarmReport;
  beforeAll(() => {
    for (const seed of SEEDS) reports.set(seed, seedReport(walked(seed)));
    swarm = swarmReport(reports);
  });

  it("has broken what any of its seeds has, and names the seed of the shortest counterexample", () => {
    const broken = [...reports].flatMap(([seed, { properties }]) => {
      return properties
        .filter(({ verdict }) => verdict === "violated")
        .map(({ name, messages }) => ({ seed, name, messages }));
    });
    const names = new Set(broken.map(({ name }) => name));
    expect(names.size).toBeGreaterThan(0);
    const own = swarm.properties.filter(({ verdict }) => verdict === "violated");
    expect(new Set(own.map(({ name }) => name))).toEqual(names);
    for (const { name, seed, seeds, messages } of own) {
      const by = broken.filter((one) => one.name === name);
      expect([seeds, messages]).toEqual([by.length, Math.min(...by.map((one) => one.messages!))]);
      // Whoever asks that seed is shown it.
      const again = walked(seed!)
        .report()
        .properties.find((one) => one.name === name);
      expect([again?.verdict, again?.messages]).toEqual(["violated", messages]);
    }
    // Some seeds have not met it: that takes nothing back.
    expect(own.some(({ seeds }) => seeds < SEEDS.length)).toBe(true);
  });

  it("has seen what any of its seeds has seen, and no more", () => {
    for (const { machine, statesSeen, states, unseenStates, takenTransitions } of swarm.coverage) {
      const all = [...reports.values()].flatMap(({ coverage }) =>
        coverage.filter((one) => one.machine === machine),
      );
      const taken = new Set(all.flatMap((one) => one.takenTransitions));
      expect(new Set(takenTransitions)).toEqual(taken);
      expect(statesSeen).toBe(states - unseenStates.length);
      expect(statesSeen).toBeGreaterThanOrEqual(Math.max(...all.map((one) => one.statesSeen)));
    }
  });

  it("is the sum of its seeds, whatever the others are", () => {
    const sum = [...reports.values()].reduce((total, { generated }) => total + generated, 0);
    expect(swarm.generated).toBe(sum);
    expect(seedReport(walked(4))).toEqual(reports.get(4));
  });
});

describe("trackvisor check --seeds", { timeout: 600_000 }, () => {
  const scratch = new Scratch();
  afterAll(() => scratch.remove());
  const WORDS = [
    "check",
    "two-phase-commit",
    "--pct",
    "2",
    "--bound",
    "walks=5",
    "--seeds",
    "1..5",
  ];
  const read = (name: string): string => readFileSync(scratch.path(name), "utf8");

  it("in shares is the swarm of one machine, byte for byte", async () => {
    const whole = await scratch.run([...WORDS, "-o", "whole.json"]);
    expect([whole.code, whole.err]).toEqual([0, ""]);
    for (const n of [1, 2]) {
      const { code } = await scratch.run([...WORDS, "--shard", `${n}/2`, "-o", `part${n}.json`]);
      expect(code).toBe(0);
    }
    const merged = await scratch.run(["merge", "part2.json", "part1.json", "-o", "merged.json"]);
    expect(merged).toEqual(whole);
    expect(read("merged.json")).toBe(read("whole.json"));
    expect((await scratch.run(["merge", "part2.json"])).err).toBe(
      "trackvisor: 3 of 5 seeds are missing: 0, 2, 4 (no file of --shard 1/2)\n",
    );
    const other = WORDS.with(-1, "1..6");
    await scratch.run([...other, "--shard", "2/2", "-o", "other.json"]);
    const refused = await scratch.run(["merge", "part1.json", "other.json"]);
    expect([refused.code, refused.err]).toEqual([
      2,
      "trackvisor: part1.json and other.json are of different swarms\n",
    ]);
  });

  it.each([
    [["pml", "--seeds", "1..3"], /--seeds goes with --random or --pct$/],
    [["pml", "--random", "--shard", "1/2", "-o", "x"], /--shard goes with --seeds$/],
    [["pml", "--random", "--seeds", "1..3", "--shard", "1/2"], /--shard goes with -o FILE/],
    [["pml", "--random", "--seeds", "1..3", "--log", "x"], /'--seeds <seeds>' cannot be used with/],
  ])("%j is refused", async (words, said) => {
    const { code, out, err } = await scratch.run(["check", ...words]);
    expect([code, out]).toEqual([2, ""]);
    expect(err.trimEnd()).toMatch(said);
  });
});
