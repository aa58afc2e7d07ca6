/** SHARDS fed by PRL's log, in runs: the curve, what the log leaves out, and what it costs. */
import { describe, expect, it } from "vitest";
import { estimateTelling } from "../../src/system/operations/estimate/estimateTelling.ts";
import { estimateSmall, SMALL_MACHINE } from "./estimateHelpers.ts";

describe("SHARDS of PRL's log", () => {
  // So slow that a full log is empty again before the next page.
  const slow = { kind: "sequential", pages: 100, passes: 1000, gap: 2000 };
  const cyclic = { ...slow, gap: 70 };
  const run = (workload: object, more: object = {}, costs: object = {}) =>
    estimateSmall({
      workload,
      // No clamp at the VM's end: it has more pages than the scan.
      vm: { memory: "2MiB" },
      tracker: { prl: { slotRule: "store-at-zero" } },
      estimator: { kind: "shards", interval: "1ms", rate: 1, ...more },
      machine: { costs: { hypervisor: { ...SMALL_MACHINE.costs.hypervisor, ...costs } } },
      until: "3000us",
    });

  it("case 349: puts the step of a cyclic scan at its pages, of all of them as of a sample", () => {
    const vm = run(slow).result.vms[0]!;
    expect(vm.missedGpas).toBe(0);
    expect(vm.pages).toBe(100);
    expect(vm.agreement).toBeNull();
    // Each page of the scan is a miss in the TLB, and so each comes again as the hundredth.
    expect(vm.missRatios).toEqual([
      { pages: 0, ratio: 1 },
      { pages: 100, ratio: 0 },
    ]);
    const sampled = run(slow, { rate: 0.5 }).result.vms[0]!;
    expect(Math.abs(sampled.pages! - 100)).toBeLessThan(4 * Math.sqrt(50));
  });

  it("takes distances for shorter where a full log missed pages, and none for longer", () => {
    const vm = run(cyclic).result.vms[0]!;
    expect(vm.missedGpas).toBeGreaterThan(0);
    const distances = vm.missRatios!.slice(1).map(({ pages }) => pages);
    expect(Math.max(...distances)).toBeLessThanOrEqual(100);
    expect(Math.min(...distances)).toBeLessThan(100);
  });

  it("sees misses of the TLB alone: a set that stays in it has no references", () => {
    const { result } = run({ kind: "sequential", pages: 3, passes: 100_000, gap: 70 });
    expect(result.vms[0]!.truthPages).toBe(3);
    expect(result.vms[0]!.pages).toBe(0);
    expect(result.vms[0]!.missRatios).toEqual([]);
  });

  it("costs who counts, by what its trees have of nodes", () => {
    const cycles = (rate: number) => run(cyclic, { rate }, { scanEntry: 2 }).result.pvm;
    expect(cycles(1).handlerCycles).toBeGreaterThan(1.2 * cycles(0.01).handlerCycles);
  });

  it("has its curve in nobody else's result", () => {
    const { result } = estimateSmall({
      workload: cyclic,
      estimator: { kind: "prl", tau: 2, mu: "50us", omega: "200us" },
      until: "400us",
    });
    expect(result.vms[0]!.missRatios).toBeNull();
  });

  it("tells its curve as a chart over memory, from 1 down", () => {
    const { charts } = estimateTelling.tell(run(slow).result, "done");
    const chart = charts.find(({ x }) => x.unit === "MiB")!;
    expect(chart.x.values).toEqual([0, (100 * 4096) / 2 ** 20]);
    expect(chart.series.map(({ values }) => values)).toEqual([[1, 0]]);
  });
});
