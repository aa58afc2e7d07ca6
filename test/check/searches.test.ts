/** Laws that hold between the ways of searching the same model. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildTargetSystem, type CheckTarget } from "../../src/check/catalogue.ts";
import { type CheckOptions, type CheckReport, CheckRun } from "../../src/check/checkRun.ts";
import { recordTrace } from "../../src/check/hypervisor/counterexampleLog.ts";
import { readSearch, writeSearch } from "../../src/check/savedSearch.ts";
import { LogBuffer } from "../../src/replay/logFile.ts";
import { shareOf } from "../share.ts";

const target = (model: string, set = {}, mutation: string | null = null): CheckTarget => {
  return { model, set, mutation };
};
const PML = target("pml", { pages: 2, log: 1, reads: 0 });
const COMMIT = target("two-phase-commit", { managers: 5 });
const FAULT = target("pml", {}, "reset-at-exit");

function reportOf(of: CheckTarget, options: CheckOptions = {}): CheckReport {
  const run = new CheckRun(of, options);
  run.explore();
  return run.report();
}

const counts = ({ distinct, generated, complete }: CheckReport) => ({
  distinct,
  generated,
  complete,
});
/** All but how much was done for it. */
const withoutWork = ({ lookups: _, bytesPerState: __, ...rest }: CheckReport) => rest;
const verdicts = ({ properties }: CheckReport) =>
  properties.map(({ name, verdict }) => `${name}: ${verdict}`);

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "trackvisor-search-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe.each([
  ["pml", PML],
  ["two-phase commit", COMMIT],
])("%s", (_, model) => {
  it("has as many states depth first as breadth first, and the same verdicts", () => {
    const [breadth, depth] = [reportOf(model), reportOf(model, { order: "depth" })];
    expect(counts(depth)).toEqual(counts(breadth));
    expect(verdicts(depth)).toEqual(verdicts(breadth));
    expect(depth.depth).toBeGreaterThanOrEqual(breadth.depth);
  });

  it.each(["breadth", "depth"] as const)(
    "comes to the same when it is saved and continued, %s first",
    (order) => {
      const whole = reportOf(model, { order });
      const file = join(directory, "search");
      let run = new CheckRun(model, { order, bounds: { states: 50 } });
      run.explore();
      for (const states of [200, Number.POSITIVE_INFINITY]) {
        writeSearch(file, run.save(), { force: true });
        run = CheckRun.from(readSearch(file), { bounds: { states } });
        run.explore();
      }
      expect(withoutWork(run.report())).toEqual(withoutWork(whole));
    },
  );

  it("loses no state to a large filter, and some to a small one", () => {
    const exact = reportOf(model);
    const large = reportOf(model, { bitstate: 26 });
    expect([large.distinct, large.generated]).toEqual([exact.distinct, exact.generated]);
    expect(large.complete).toBe(false);
    const small = reportOf(model, { bitstate: 10 });
    expect(small.distinct).toBeLessThan(exact.distinct);
    expect(verdicts(small).filter((verdict) => verdict.endsWith("violated"))).toEqual([]);
  });
});

describe.each([
  ["depth first", { order: "depth" }],
  ["by random walks", { order: "random", seed: 3 }],
  ["by priorities", { order: "pct", pctDepth: 2, seed: 3 }],
  ["with a filter", { bitstate: 22 }],
] as const)("a planted fault is found %s", (_, options) => {
  it("by the same run each time, and the run replays", () => {
    const run = new CheckRun(FAULT, options);
    run.explore();
    const broken = run.results.filter(({ verdict }) => verdict === "violated");
    expect(broken.map(({ name }) => name)).toEqual([
      "the log index is in range and each entry is written once",
    ]);
    const trace = run.traceOf(broken[0]!)!;
    // The shortest has 12.
    expect(trace.steps.length).toBeGreaterThanOrEqual(12);
    const messages = recordTrace(buildTargetSystem(FAULT)!, FAULT, trace, new LogBuffer());
    expect(messages).toBe(trace.steps.length);
    expect(withoutWork(reportOf(FAULT, options))).toEqual(withoutWork(run.report()));
  });
});

it("random walks prove nothing, and say so", () => {
  const { properties, remarks, complete } = reportOf(PML, {
    order: "pct",
    pctDepth: 3,
    bounds: { walks: 20, steps: 50 },
  });
  expect(complete).toBe(false);
  expect(properties.filter(({ verdict }) => verdict === "violated")).toEqual([]);
  expect(properties.find(({ name }) => name === "no deadlock")?.verdict).toBe("open");
  const [, threads] = /^(\d+) threads/.exec(remarks[1]!)!;
  const bound = 1 / (Number(threads) * 50 ** 2);
  expect(remarks[1]).toContain(`with probability ${bound.toExponential(1)} or more`);
});

it("a saved search that was damaged is refused", () => {
  const file = join(directory, "damaged");
  const run = new CheckRun(PML, { bounds: { states: 100 } });
  run.explore();
  writeSearch(file, run.save());
  const bytes = readFileSync(file);
  bytes[bytes.length - 100]! ^= 1;
  writeFileSync(file, bytes);
  expect(() => readSearch(file)).toThrow("damaged: its checksum is wrong");
  writeFileSync(file, "something else\n");
  expect(() => readSearch(file)).toThrow("this is not a saved search");
});

describe("threads", () => {
  /** The program, for threads are compiled code. */
  const check = (...args: string[]): CheckReport => {
    const program = join(import.meta.dirname, "..", "..", "dist", "src", "cli", "main.js");
    const { stdout } = spawnSync(process.execPath, [program, "check", ...args, "--json"], {
      encoding: "utf8",
    });
    return JSON.parse(stdout);
  };
  const lengths = ({ properties }: CheckReport) =>
    properties.map(({ name, verdict, messages, kind }) => {
      // A way round is the first that is found.
      return [name, verdict, kind === "leadsTo" ? null : messages];
    });

  const searches = [
    [["two-phase-commit", "--set", "managers=6"]],
    [["pml", "--set", "pages=2", "--set", "log=1"]],
    [["pml", "--fault", "clear-before-drain"]],
    [["migration", "--fault", "last-harvest-empty"]],
  ];
  it.each(shareOf(searches, 2, 2))("come to the same, however many there are: %j", (args) => {
    const alone = check(...args);
    for (const workers of ["2", "3"]) {
      const together = check(...args, "--workers", workers);
      expect([...Object.values(counts(together)), together.depth, together.ending]).toEqual([
        ...Object.values(counts(alone)),
        alone.depth,
        alone.ending,
      ]);
      expect(lengths(together)).toEqual(lengths(alone));
      expect(together.levels).toEqual(alone.levels);
      expect(together.coverage).toEqual(alone.coverage);
    }
  });
});
