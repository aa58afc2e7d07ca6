/** The command line's promises: what `trackvisor run` prints, and what its options change. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { TECHNIQUES } from "../../src/hypervisor/techniques/all.ts";
import { type Outcome, Scratch, scenario } from "./command.ts";

const scratch = new Scratch();
const SORT = join(import.meta.dirname, "..", "..", "workloads", "traces", "sort.tvtrace");
const COLUMNS = 80;
const TIMEOUT = 120_000;

afterAll(() => scratch.remove());

interface Report {
  readonly technique: string;
  readonly complete: boolean;
  readonly accesses: number;
  readonly time: number;
  readonly exits: Readonly<Record<string, number>>;
  readonly truth: Readonly<Record<string, number>>;
  readonly reported: Readonly<Record<string, number | null>>;
}

function json({ out, err, code }: Outcome): Report {
  expect(err).toBe("");
  expect(code).toBe(0);
  expect(out.endsWith("\n")).toBe(true);
  expect(out.trimEnd()).not.toContain("\n");
  return JSON.parse(out) as Report;
}

describe.concurrent("trackvisor run", { timeout: TIMEOUT }, () => {
  it("without arguments runs the shipped default and prints a summary", async () => {
    const { out, err, code } = await scratch.run([]);
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(out).toMatch(/^sort under PML: pml, /);
    expect(out).toMatch(/^ {2}written +([\d,]+) +\1$/m);
  });

  it("--json prints one JSON object and nothing else", async () => {
    const report = json(await scratch.run(["--json", "--until", "3ms"]));
    const count = expect.any(Number);
    expect(report).toMatchObject({
      technique: "pml",
      complete: true,
      accesses: count,
      tlbMisses: count,
      walks: count,
      logEntries: count,
      logFull: count,
      missedGpas: count,
      ipis: count,
      cycles: { guest: count, ptw: count, exit: count, entry: count, handler: count },
      truth: { pagesRead: count, pagesWritten: count, pagesTouched: count },
      reported: { pagesWritten: count, pagesTouched: null, guestPageTables: count },
      failures: [],
    });
    expect(report.accesses).toBeGreaterThan(1_000_000);
    expect(report.reported["pagesWritten"]).toBe(report.truth["pagesWritten"]);
  });

  it("prints the same bytes each time", async () => {
    const words = ["--json", "--until", "2ms", "--vcpus", "2"];
    const [first, second] = await Promise.all([scratch.run(words), scratch.run(words)]);
    expect(second).toEqual(first);
  });

  it("--until ends the run after that virtual time", async () => {
    const file = scratch.write("until.json", scenario({}, 1_000_000_000));
    const short = json(await scratch.run([file, "--json", "--until", "1ms"]));
    const long = json(await scratch.run([file, "--json", "--until", "4 ms"]));
    expect(short.time).toBeGreaterThanOrEqual(2.4e6);
    expect(short.time).toBeLessThan(3.6e6);
    expect(long.accesses / short.accesses).toBeGreaterThan(3);
  });

  it("--vcpus runs each VM on so many vCPUs, each with its own work", async () => {
    const file = scratch.write("vcpus.json", scenario());
    const report = json(await scratch.run([file, "--json", "--vcpus", "3"]));
    expect(report.accesses).toBe(300);
    expect(report.exits["12"]).toBe(3);
  });

  it("--tracker chooses the technique, and all see the same guest", async () => {
    const names = [...TECHNIQUES];
    const file = scratch.write("tracker.json", scenario());
    const reports = await Promise.all(
      names.map((name) => scratch.run([file, "--json", "--tracker", name])),
    );
    const first = json(reports[0]!);
    reports.forEach((outcome, i) => {
      const report = json(outcome);
      expect(report.technique).toBe(names[i]);
      expect(report.truth).toEqual(first.truth);
      expect(report.accesses).toBe(100);
      for (const [kind, pages] of Object.entries(report.reported)) {
        if (kind !== "guestPageTables" && pages !== null) expect(pages).toBe(report.truth[kind]);
      }
    });
  });

  it("--seed changes the random choices, and nothing else does", async () => {
    const file = scratch.write("seed.json", scenario({}, 12));
    const run = async (seed: string) =>
      json(await scratch.run([file, "--json", "--seed", seed])).truth;
    const [one, two, again] = await Promise.all([run("1"), run("2"), run("1")]);
    expect(again).toEqual(one);
    expect(two).not.toEqual(one);
  });

  it("--trace plays a trace, on the VMs of a scenario if one is given", async () => {
    const alone = json(await scratch.run(["--json", "--until", "1ms", "--trace", SORT]));
    expect(alone.truth["pagesTouched"]).toBeGreaterThan(100);
    const vms = [1, 2].map(() => ({ workload: { kind: "uniform", pages: 3, accesses: 1 } }));
    const file = scratch.write("trace.json", scenario({ vms, machine: { cpus: 2 } }));
    const both = json(await scratch.run([file, "--json", "--until", "1ms", "--trace", SORT]));
    expect(both.truth["pagesTouched"]).toBe(2 * alone.truth["pagesTouched"]!);
  });

  it("Ctrl-C prints what the run has come to, and ends with 130", async () => {
    const file = scratch.write("long.json", scenario({ until: "100000s" }, 1e15));
    // Interrupted before it listens it ends by the signal: then it gets more time.
    for (let wait = 2000; ; wait *= 2) {
      const outcome = await scratch.run([file, "--json"], { interruptAfter: wait });
      if (outcome.signal === "SIGINT" && wait < 20_000) continue;
      const { code, out, err } = outcome;
      expect(code).toBe(130);
      expect(err).toBe("");
      const report = JSON.parse(out) as Report;
      expect(report.complete).toBe(false);
      expect(report.accesses).toBeGreaterThan(0);
      break;
    }
  });

  it("ends with 1 when the operation fails, and says why", async () => {
    const { code, out, err } = await scratch.run(["migrate-link-failure", "--json"]);
    expect(err).toBe("");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ failures: [expect.any(String)] });
  });

  it("ends with 1 when a harvest loses a page, with VM, round and pages; and its replay does so, too", async () => {
    const vms = [
      { workload: { kind: "uniform", pages: 50, writeFraction: 0.5, gap: 400, accesses: 9000 } },
    ];
    const measured = { vms, operation: { kind: "measure", harvest: "200us" } };
    const fine = scratch.write("fine.json", scenario(measured));
    const lossy = scratch.write("lossy.json", scenario({ ...measured, faults: ["skipInvept"] }));
    expect(json(await scratch.run([fine, "--json"]))).toMatchObject({ failures: [] });
    const { code, out, err } = await scratch.run([lossy, "--json", "--record", "lossy.tvlog"]);
    expect(err).toBe("");
    expect(code).toBe(1);
    const what = /^vm0: round \d+ lost \d+ written pages? \(pages? \d+/;
    const { failures, harvests } = JSON.parse(out) as {
      failures: string[];
      harvests: { vm: string; lostPages: number }[];
    };
    expect(failures[0]).toMatch(what);
    expect(harvests).toMatchObject([{ vm: "vm0", technique: "pml" }]);
    expect(harvests[0]!.lostPages).toBeGreaterThan(0);
    const text = await scratch.run([lossy]);
    expect(text.code).toBe(1);
    expect(text.out).toContain(failures[0]);
    const replay = await scratch.run(["replay", "lossy.tvlog"]);
    expect(replay.code).toBe(1);
    expect(replay.out).toMatch(/: no difference\n$/);
    expect(replay.err).toContain(failures[0]);
    const screen = await scratch.run(["tui", "--once", lossy]);
    expect(screen.code).toBe(1);
    expect(screen.err).toContain("lost");
  });

  it("--plot draws its courses over time: the same picture each time, and never over another file", async () => {
    const words = (file: string) => ["run", "sort-prl", "--plot", file];
    for (const file of ["one.svg", "two.svg"])
      expect((await scratch.run(words(file))).code).toBe(0);
    const [one, two] = ["one.svg", "two.svg"].map((file) =>
      readFileSync(scratch.path(file), "utf8"),
    );
    expect(one).toMatch(/^<svg/);
    for (const text of [">in logs<", ">accesses and writes, 1/s<", ">time, ms<"]) {
      expect(one).toContain(text);
    }
    expect(two).toBe(one);
    expect(await scratch.run(words("one.svg"))).toMatchObject({ code: 2, out: "" });
    expect(await scratch.run(words("one.png"))).toMatchObject({ code: 2, out: "" });
  });

  it("keeps its summary within 80 columns", async () => {
    const lines = async (...words: string[]): Promise<string[]> =>
      (await scratch.run(words)).out.split("\n");
    const outputs = await Promise.all([
      lines("sort-pml", "--until", "3ms"),
      lines("sort-prl", "--until", "3ms", "--vcpus", "8"),
      lines("sort-pml", "--until", "3ms", "--tracker", "presentBit"),
      lines("--help"),
      lines("run", "--help"),
      lines("trace", "--help"),
    ]);
    for (const line of outputs.flat()) expect(line.length, line).toBeLessThanOrEqual(COLUMNS);
  });
});
