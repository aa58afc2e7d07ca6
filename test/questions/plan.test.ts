/** A sweep before its runs: every mistake of every point is said, and nothing is run. */
import { describe, expect, it } from "vitest";
import { parseOverride } from "../../src/config/override.ts";
import { parseFields } from "../../src/config/yamlFile.ts";
import { defaultMetrics, metricNamed } from "../../src/questions/metrics.ts";
import { parseVary } from "../../src/questions/sweep/axis.ts";
import { planSweep, type SweepAsked, tryOutPoints } from "../../src/questions/sweep/plan.ts";
import { loaderBy } from "../../src/runs/scenarioFile.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";

const workload = { kind: "uniform", pages: 10, writeFraction: 0.5, accesses: 100 } as const;

function plan(varied: readonly string[], asked: Partial<SweepAsked> = {}) {
  return planSweep({
    load: loaderBy((overrides) => {
      const fields = { name: "small", vms: [{ workload }] };
      const { value, at } = parseFields("small.yaml", fields, scenarioSchema, overrides);
      return { scenario: value, directory: ".", at };
    }),
    common: [],
    axes: varied.map((text) => parseVary(text)),
    seeds: null,
    metrics: defaultMetrics,
    ...asked,
  });
}

function pointsOf(varied: readonly string[], asked: Partial<SweepAsked> = {}) {
  const planned = plan(varied, asked);
  if ("problems" in planned) throw new Error(planned.problems.join("\n"));
  return planned;
}

function problemsOf(varied: readonly string[]): readonly string[] {
  const planned = plan(varied);
  return "problems" in planned ? planned.problems : tryOutPoints(planned.points);
}

describe("a plan", () => {
  it("has each point's scenario and seeds", () => {
    const { points } = pointsOf(["machine.cpus=1,2"], { seeds: [3, 4] });
    expect(points.map(({ order }) => order.scenario.machine.cpus)).toEqual([1, 2]);
    expect(points.map(({ seeds }) => seeds)).toEqual([
      [3, 4],
      [3, 4],
    ]);
    expect(pointsOf(["seed=7,8"]).points.map(({ seeds }) => seeds)).toEqual([[7], [8]]);
  });

  it("has a digest of all that is asked, and of nothing else", () => {
    const digest = (varied: string, asked: Partial<SweepAsked> = {}): string =>
      pointsOf([varied], asked).digest;
    const one = digest("machine.cpus=1,2");
    expect(digest("machine.cpus=1..2")).toBe(one);
    expect(digest("machine.cpus=1,2", { common: [parseOverride("name=other")] })).toBe(one);
    const others = [
      digest("machine.cpus=1,3"),
      digest("machine.cpus=2,1"),
      digest("machine.pvmCpus=1,2"),
      digest("machine.cpus=1,2", { seeds: [2] }),
      digest("machine.cpus=1,2", { metrics: () => [metricNamed("exits")] }),
      digest("machine.cpus=1,2", { common: [parseOverride("vms.0.workload.accesses=101")] }),
    ];
    expect(new Set([one, ...others]).size).toBe(others.length + 1);
  });

  it("names each mistake of its points once, and where it is first", () => {
    expect(problemsOf(["machine.logEntrys=1,2"])).toEqual([
      '--vary machine.logEntrys=1,2: machine.logEntrys: unknown field; did you mean "logEntries"? (at machine.logEntrys=1, and 1 more)',
    ]);
    const two = problemsOf(["tracker.technique=pml,plm", "machine.logEntries=0,64"]);
    expect(two).toHaveLength(2);
    expect(two[0]).toMatch(/not 0 \(at tracker.technique=pml, machine.logEntries=0, and 1 more\)$/);
    expect(two[1]).toContain('did you mean "pml"?');
    // What a field alone may be, and the whole may not, shows when it is built.
    const [long] = problemsOf(["machine.logEntries=512,1024"]);
    expect(long).toMatch(/expected at most 512: PML's log .*\(at machine.logEntries=1024\)$/);
  });

  it("refuses a field with two values, and numbers that no point has", () => {
    const set = { common: [parseOverride("machine.cpus=1")] };
    expect(() => plan(["machine.cpus=1,2"], set)).toThrow(
      /machine.cpus is varied, and set as well/,
    );
    expect(() => plan(["seed=1,2"], { seeds: [1] })).toThrow(/seed is varied, and listed as well/);
    expect(() => metricNamed("exit")).toThrow(/did you mean "exits"\?/);
    const downtime = { metrics: () => [metricNamed("downtime")] };
    expect(() => plan(["machine.cpus=1,2"], downtime)).toThrow(/of operation "migrate"/);
    expect(() => plan(["operation.kind=measure,migrate"], downtime)).not.toThrow();
  });
});
