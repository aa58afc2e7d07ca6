/** The command: the same rows however it is run, going on after an interrupt, mistakes. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { Scratch } from "../cli/command.ts";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "src", "cli", "main.js");
const scratch = new Scratch();
afterAll(() => scratch.remove());

const run = (directory: string, ...more: string[]) =>
  scratch.run(["experiment", "run", "present-bit", "--quick", "--out", directory, ...more], {
    limit: 300_000,
  });

/** Where and when results were made. */
const PROVENANCE = "provenance.txt";

/** All results in a directory, by name; not the points, nor where they come from. */
function results(directory: string): Record<string, string> {
  const path = scratch.path(directory);
  const files = readdirSync(path).filter((name) => name !== "points" && name !== PROVENANCE);
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(path, name), "utf8")]));
}

const points = (directory: string): string[] => {
  const path = scratch.path(join(directory, "points"));
  return existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(".json")) : [];
};

describe("trackvisor experiment run", { timeout: 300_000 }, () => {
  it("writes the same files with one worker and with two", async () => {
    const one = await run("one", "--workers", "1");
    const two = await run("two", "--workers", "2");
    expect([one.code, two.code, one.err, two.err]).toEqual([0, 0, "", ""]);
    expect(Object.keys(results("one")).sort()).toEqual([
      "present-bit-plot1.csv",
      "present-bit-plot1.svg",
      "present-bit.csv",
      "present-bit.json",
      "present-bit.tex",
    ]);
    expect(readFileSync(scratch.path(`one/${PROVENANCE}`), "utf8")).toMatch(
      /^results of +trackvisor experiment run present-bit --quick\n(.*\n)*runs +3, 0 of them from before\n/,
    );
    expect(results("two")).toEqual(results("one"));
  });

  it("goes on after an interrupt, and uses what was finished", async () => {
    const words = ["experiment", "run", "present-bit", "--quick", "--out", "cut", "--workers", "1"];
    const child = spawn(process.execPath, [MAIN, ...words], { cwd: scratch.directory });
    let error = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      error += text;
    });
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    while (points("cut").length === 0) await sleep(5);
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(error).toMatch(/^trackvisor: interrupted; .*\n$/);
    const [finished] = points("cut");
    const before = statSync(scratch.path(`cut/points/${finished}`)).mtimeMs;
    expect(points("cut").length).toBeLessThan(3);
    expect((await run("cut")).code).toBe(0);
    expect(statSync(scratch.path(`cut/points/${finished}`)).mtimeMs).toBe(before);
    expect(results("cut")).toEqual(results("one"));
  });

  it("does a run again whose file is damaged", async () => {
    const [first] = points("two");
    const path = scratch.path(`two/points/${first}`);
    const whole = readFileSync(path, "utf8");
    // A digit of a result: still a valid file, but not what was written.
    const damaged = whole.replace(
      /(accesses\\":)(\d)/,
      (_, name, digit) => name + ((+digit + 1) % 10),
    );
    expect(damaged).not.toBe(whole);
    writeFileSync(path, damaged);
    expect((await run("two")).err).toMatch(/two\/present-bit\.csv: exists; .*--force\n$/);
    const { code, out } = await run("two", "--json", "--force");
    expect(code).toBe(0);
    expect(readFileSync(path, "utf8")).toBe(whole);
    const { experiments, scale } = JSON.parse(out);
    expect(scale).toBe("quick");
    const file = JSON.parse(results("one")["present-bit.json"]!);
    expect(file).toMatchObject({ format: "trackvisor experiment result", version: 1 });
    expect(experiments[0].rows).toEqual(file.rows);
  });

  it("in shares has the results of one machine, byte for byte", async () => {
    const shares = ["1/2", "2/2"].map((shard, n) => [`part${n + 1}.json`, shard] as const);
    for (const [file, shard] of shares) {
      // What was finished above is there: a share takes it from the store, as it does on any machine.
      expect((await run("one", "--shard", shard, "-o", file)).err).toBe("");
    }
    expect((await run("one", "--force", "-o", "whole.json")).code).toBe(0);
    const merge = (...words: string[]) => scratch.run(["merge", ...words]);
    const whole = await merge("part2.json", "part1.json", "--out", "merged", "-o", "merged.json");
    expect([whole.code, whole.err]).toEqual([0, ""]);
    expect(results("merged")).toEqual(results("one"));
    const read = (name: string): string => readFileSync(scratch.path(name), "utf8");
    expect(read("merged.json")).toBe(read("whole.json"));
    const refused = async (said: RegExp, ...words: string[]): Promise<void> => {
      const { code, out, err } = await merge(...words);
      expect([code, out]).toEqual([2, ""]);
      expect(err).toMatch(said);
    };
    await refused(
      /^trackvisor: 1 of 3 runs are missing: 1 \(no file of --shard 2\/2\)\n$/,
      "part1.json",
    );
    await refused(
      /^trackvisor: --csv: an experiment has no such output\n$/,
      "part1.json",
      "--csv",
      "x",
    );
    const { code, err } = await run("one", "--shard", "1/2");
    expect([code, err]).toEqual([2, "trackvisor: --shard goes with -o FILE, for merge\n"]);
  });

  it.each([
    [["run", "migratoin"], /no experiment is called "migratoin"; did you mean "migration"\?/],
    [["run"], /missing required argument 'name'/],
    [["run", "energy", "--workers", "0"], /expected a whole number from 1 to 256/],
    [["run", "energy", "--seeds", "0"], /expected a whole number from 1 to 1000/],
    [["run", "energy", "--out", "file"], /file: cannot be made/],
    [["lst"], /unknown command 'lst'/],
  ])("%j is refused in one line", async (words, message) => {
    scratch.write("file", "");
    const { code, out, err } = await scratch.run(["experiment", ...words]);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(message);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });

  it("lists all experiments", async () => {
    const { out } = await scratch.run(["experiment", "list", "--json"]);
    expect(JSON.parse(out).experiments.map(({ name }: { name: string }) => name)).toContain(
      "present-bit",
    );
  });
});
