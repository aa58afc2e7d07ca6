/** Working-set-size estimators: their published behaviour, as rules on small systems. */
import { describe, expect, it } from "vitest";
import { buildSystem } from "../../src/system/build.ts";
import type { Small } from "./estimateHelpers.ts";
import { estimateSmall, MICROSECOND, resultOf, smallScenario } from "./estimateHelpers.ts";

/** 200 pages read for 1 ms, then written for as long: about 90 cycles an access, 7.5 us a pass. */
const RRWW = {
  kind: "phases",
  pages: 200,
  mode: "RRWW",
  readPasses: 133,
  writePasses: 133,
  gap: 70,
} as const;

describe("PML and PRL (VEE21 2.4, slide 9)", () => {
  const until = "1900us";

  it("PML is blind while a program only reads, and sees all once it writes", () => {
    const { series } = estimateSmall({
      workload: RRWW,
      estimator: { kind: "pml", interval: "100us" },
      until,
    }).result.vms[0]!;
    const counted = series.map((point) => point.pages);
    const first = counted.findIndex((pages) => pages !== 0);
    expect(first).toBeGreaterThan(6);
    // The first pass that writes waits for the drains, and may end in the interval after.
    const after = series.slice(first + 2);
    expect(after.length).toBeGreaterThan(3);
    expect(new Set(after.map(({ pages }) => pages))).toEqual(new Set([200]));
    const withoutOnset = [...series.slice(0, first), ...after];
    expect(withoutOnset.every(({ truthPages }) => truthPages === 200)).toBe(true);
  });

  it("PRL sees reads as well as writes", () => {
    const { series } = estimateSmall({
      workload: RRWW,
      estimator: { kind: "prl", tau: 5, mu: "100us", omega: "400us", continueWhenStable: true },
      until,
    }).result.vms[0]!;
    expect(new Set(series.map(({ pages }) => pages))).toEqual(new Set([200]));
  });

  it("PML since the activation never shrinks; with CLEAN it follows", () => {
    const workload = {
      kind: "phaseChange",
      gap: 70,
      phases: [
        { firstPage: 0, pages: 100, accesses: 12_000, writeFraction: 1 },
        { firstPage: 0, pages: 10, accesses: 1_000_000, writeFraction: 1 },
      ],
    };
    const run = (clean: boolean) =>
      estimateSmall({
        workload,
        estimator: { kind: "pml", interval: "100us", clean },
        until: "1500us",
      }).result.vms[0]!.pages;
    expect(run(false)).toBe(100);
    expect(run(true)).toBe(10);
  });
});

describe("PRL's counts", () => {
  const estimator = { kind: "prl", tau: 50, mu: "100us", omega: "400us", continueWhenStable: true };

  it("a set that stays in the TLB never becomes hot, however often it is used", () => {
    const hot = (pages: number) =>
      estimateSmall({
        workload: { kind: "sequential", pages, gap: 70 },
        estimator,
        until: "2000us",
      });
    const inside = hot(4);
    expect(inside.result.vms[0]!.pages).toBe(0);
    expect(inside.result.vms[0]!.truthPages).toBe(4);
    expect(inside.system.world.vcpus[0]!.counters.values[0]!).toBeGreaterThan(10_000);
    expect(hot(40).result.vms[0]!.pages).toBe(40);
  });

  it("hot is more than tau times, or at least tau times", () => {
    const run = (threshold: string, tau: number) =>
      estimateSmall({
        workload: { kind: "uniform", pages: 40, accesses: 400, gap: 5000, seed: 3 },
        estimator: { kind: "prl", tau, threshold, mu: "5us", omega: "1s" },
      }).result.vms[0]!.pages!;
    let differ = 0;
    for (let tau = 1; tau < 15; tau++) {
      const more = run("more-than", tau);
      expect(more).toBe(run("at-least", tau + 1));
      if (more < run("at-least", tau)) differ++;
    }
    expect(differ).toBeGreaterThan(5);
  });

  it("never fall within one estimation", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { series } = estimateSmall({
        workload: { kind: "zipf", pages: 300, exponent: 0.8, gap: 70 },
        estimator: { ...estimator, tau: 8 },
        until: "3000us",
        seed,
      }).result.vms[0]!;
      const counted = series.map((point) => point.counted);
      expect(counted).toEqual([...counted].sort((a, b) => a - b));
      expect(counted.at(-1)!).toBeGreaterThan(counted[0]!);
    }
  });

  it("leave out the guest's page tables, which DW19 logs too", () => {
    const run = (variant: string, filterGuestTables: boolean) =>
      estimateSmall({
        workload: { kind: "uniform", pages: 60, gap: 500 },
        vm: { paging: "longMode", memory: "1MiB" },
        estimator: { ...estimator, tau: 3 },
        tracker: { prl: { variant, filterGuestTables } },
        until: "2000us",
      }).result.vms[0]!;
    const dw19 = run("dw19", false);
    expect(dw19.pages).toBe(60);
    expect(dw19.series.at(-1)!.guestPageTables).toBeGreaterThan(0);
    expect(run("dw19", true).series.at(-1)!.guestPageTables).toBe(0);
    expect(run("vee21", false).series.at(-1)!.guestPageTables).toBe(0);
  });
});

describe("following a working set that shrinks", () => {
  const CHANGE = 1000 * MICROSECOND;
  const OMEGA = 200 * MICROSECOND;
  const MU = 50 * MICROSECOND;
  /** 200 pages until about 1 ms, then 20 others. */
  const workload = {
    kind: "phaseChange",
    gap: 70,
    phases: [
      { firstPage: 0, pages: 200, accesses: 22_000 },
      { firstPage: 300, pages: 20, accesses: 1_000_000 },
    ],
  };
  const run = (follow: string) => {
    const { series } = estimateSmall({
      workload,
      estimator: { kind: "prl", tau: 3, mu: "50us", omega: "200us", follow },
      until: "3000us",
    }).result.vms[0]!;
    const change = series.find(({ truthPages }) => truthPages === 20)!.time;
    const followed = series.find(({ time, pages }) => time >= change && pages! <= 20);
    return { series, change, followed };
  };

  it("the published loop ends and keeps its estimate", () => {
    const { series, change, followed } = run("none");
    expect(Math.abs(change - CHANGE)).toBeLessThan(CHANGE / 4);
    expect(followed).toBe(undefined);
    expect(series.at(-1)!.pages).toBe(200);
    expect(series.at(-1)!.pvmCycles).toBe(0);
  });

  it("restart follows within two estimations: 2 (omega + time to become hot + mu)", () => {
    const { series, change, followed } = run("restart");
    // In one interval of 50 us each of the 20 pages is used some 50 times.
    expect(followed!.time - change).toBeLessThanOrEqual(2 * (OMEGA + MU + MU));
    expect(series.at(-1)!.pages).toBe(20);
  });

  it("ageing follows within three generations", () => {
    const { series, change, followed } = run("ageing");
    expect(followed!.time - change).toBeLessThanOrEqual(3 * OMEGA + MU);
    expect(series.at(-1)!.pages).toBe(20);
  });
});

describe("VMware's sampling (OSDI'02 5.3)", () => {
  const [N, USED, SAMPLES] = [1024, 400, 50];
  const small: Small = {
    workload: { kind: "sequential", pages: USED, gap: 70 },
    vm: { memory: "4MiB" },
    machine: { costs: { hypervisor: { violationHandler: 100 } } },
    estimator: { kind: "vmware", samples: SAMPLES, period: "100us" },
    until: "20100us",
  };

  it("is unbiased, and its noise is that of drawing without replacement", () => {
    const { series } = estimateSmall(small).result.vms[0]!;
    const touched = series.map(({ counted }) => counted);
    expect(touched.length).toBeGreaterThan(150);
    const p = USED / N;
    const variance = (SAMPLES * p * (1 - p) * (N - SAMPLES)) / (N - 1);
    const mean = touched.reduce((a, b) => a + b) / touched.length;
    expect(Math.abs(mean - SAMPLES * p)).toBeLessThan(4 * Math.sqrt(variance / touched.length));
    const measured = touched.reduce((sum, t) => sum + (t - mean) ** 2, 0) / (touched.length - 1);
    // Four standard deviations of a sample variance, about sqrt(2 / n) each.
    expect(Math.abs(measured / variance - 1)).toBeLessThan(4 * Math.sqrt(2 / touched.length));
    for (const { counted, pages } of series) {
      expect(pages).toBe(Math.round((counted / SAMPLES) * N));
    }
  });

  it("counts each sampled page once, with one exit: at most n a period", () => {
    const { system, result } = estimateSmall(small);
    const context = system.actor("vm0/tracker").snapshot.context as { violations: number };
    const { series } = result.vms[0]!;
    const touched = series.reduce((sum, { counted }) => sum + counted, 0);
    // The period that the end of the run cut off has exits, too.
    expect(context.violations).toBeGreaterThanOrEqual(touched);
    expect(context.violations).toBeLessThanOrEqual(touched + SAMPLES);
  });

  it("counts only pages of the present sample, also when an exit is served after it has changed", () => {
    const system = buildSystem(
      smallScenario({
        // A period touches a part of the pages only, so there are exits up to its end.
        workload: { kind: "uniform", pages: 3000, gap: 70 },
        estimator: { kind: "vmware", samples: 300, period: "100us" },
        machine: { costs: { hypervisor: { vmExit: 4000, violationHandler: 100 } } },
        until: "100000us",
      }),
    );
    let sample: readonly number[] = [];
    let touched = new Set<number>();
    let late = 0;
    const expected: number[] = [];
    const counted: (number | null)[] = [];
    system.interconnect.delivered.subscribe(({ message }) => {
      if (message.type === "arm") sample = message.pages ?? [];
      if (message.type === "eptViolation") {
        if (sample.includes(message.page)) touched.add(message.page);
        else late++;
      }
      if (message.type === "harvest") {
        expected.push(touched.size);
        touched = new Set();
        sample = message.pages ?? [];
      }
      if (message.type === "harvested") counted.push(message.pagesTouched);
    });
    system.run();
    expect(counted.length).toBeGreaterThan(40);
    expect(counted).toEqual(expected.slice(0, counted.length));
    expect(late).toBeGreaterThan(3);
    // Only an exit that was under way can be late: at most one each period.
    expect(late).toBeLessThanOrEqual(counted.length);
  });

  it("has periods in the VM's own time: two VMs on one CPU get half as many", () => {
    const scenario = (vms: number) => {
      const base = smallScenario({
        ...small,
        machine: { timeslice: "50us", costs: { hypervisor: { violationHandler: 100 } } },
        until: "4000us",
      });
      const all = Array.from({ length: vms }, (_, vm) => ({ ...base.vms[0]!, name: `vm${vm}` }));
      return { ...base, vms: all };
    };
    const periods = (vms: number) =>
      runScenario(scenario(vms)).vms.map(({ series }) => series.length);
    const [alone] = periods(1);
    expect(alone).toBeGreaterThan(30);
    for (const shared of periods(2)) expect(Math.abs(shared - alone! / 2)).toBeLessThan(5);
  });

  it("with averages rises fast and falls slowly", () => {
    const workload = {
      kind: "phaseChange",
      gap: 70,
      phases: [
        { firstPage: 0, pages: 40, accesses: 25_000 },
        { firstPage: 0, pages: 800, accesses: 25_000 },
        { firstPage: 0, pages: 40, accesses: 25_000 },
      ],
    };
    const run = (averages?: object) =>
      estimateSmall({
        ...small,
        workload,
        estimator: { kind: "vmware", samples: 200, period: "100us", ...averages },
        until: "3600us",
      }).result.vms[0]!.series;
    const plain = run();
    const smooth = run({ averages: { slow: 0.1, fast: 0.5 } });
    const peak = Math.max(...smooth.map(({ pages }) => pages!));
    expect(peak).toBeGreaterThan(600);
    expect(plain.at(-1)!.pages!).toBeLessThan(120);
    expect(smooth.at(-1)!.pages!).toBeGreaterThan(2 * plain.at(-1)!.pages!);
  });

  it("looks at the unfinished period between two, which may only raise the estimate", () => {
    const { series } = estimateSmall({
      ...small,
      estimator: {
        kind: "vmware",
        samples: SAMPLES,
        period: "100us",
        interval: "25us",
        averages: {},
      },
      until: "1000us",
    }).result.vms[0]!;
    expect(series.length).toBeGreaterThan(30);
    // After the first period the three averages are never below the slow one, which changes once a period.
    expect(series[0]!.pages).toBeGreaterThan(0);
    expect(series.every(({ pages }) => pages !== null && pages > 0)).toBe(true);
  });
});

describe("accessed bits", () => {
  it("report what was touched in each interval", () => {
    const { series } = estimateSmall({
      workload: { kind: "zipf", pages: 300, exponent: 1, gap: 70 },
      estimator: { kind: "accessedBits", interval: "100us" },
      until: "2000us",
    }).result.vms[0]!;
    expect(series.length).toBe(20);
    for (const { pages, truthPages } of series) {
      // The scan ends in a flush; accesses through what the TLB still held before it are not seen.
      expect(truthPages - pages!).toBeGreaterThanOrEqual(0);
      expect(truthPages - pages!).toBeLessThanOrEqual(8);
    }
    expect(new Set(series.map(({ pages }) => pages)).size).toBeGreaterThan(5);
  });
});

function runScenario(scenario: ReturnType<typeof smallScenario>) {
  const system = buildSystem(scenario);
  system.run();
  return resultOf(system);
}
