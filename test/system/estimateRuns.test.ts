/** Estimations as runs: the truth, the pVM's cost, several VMs, snapshots, and scenarios that cannot be. */
import { describe, expect, it } from "vitest";
import { createActor } from "xstate";
import { pvmCpuMachine } from "../../machines/pvmCpu.ts";
import { countTruth } from "../../src/hardware/guestPages.ts";
import { buildSystem } from "../../src/system/build.ts";
import { estimateSchema } from "../../src/system/operations/estimate/estimatorSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import { createWorkload, workloadSchema } from "../../workloads/workloadKinds.ts";
import { estimateSmall, resultOf, type Small, smallScenario } from "./estimateHelpers.ts";

const ESTIMATORS = {
  prl: { kind: "prl", tau: 2, mu: "50us", omega: "200us", follow: "ageing" },
  prlRestart: { kind: "prl", tau: 2, mu: "50us", omega: "200us", follow: "restart" },
  prlOnce: { kind: "prl", tau: 2, mu: "50us", omega: "100us" },
  pml: { kind: "pml", interval: "50us" },
  pmlClean: { kind: "pml", interval: "50us", clean: true },
  amdPmlClean: { kind: "pml", interval: "50us", clean: true, unit: "amdPml" },
  hdbssClean: { kind: "pml", interval: "50us", clean: true, unit: "hdbss" },
  vmware: { kind: "vmware", samples: 20, period: "100us", interval: "50us", averages: {} },
  accessedBits: { kind: "accessedBits", interval: "50us" },
  truth: { kind: "truth", interval: "50us" },
  hyperLogLog: { kind: "hyperLogLog", interval: "50us", precision: 10 },
  shards: { kind: "shards", interval: "50us", rate: 0.5, samples: 40, points: 64 },
} as const;
const each = Object.entries(ESTIMATORS);
const CYCLES_OF_50_US = 120_000;

const MOVING = {
  kind: "phaseChange",
  gap: 70,
  phases: [
    { firstPage: 0, pages: 150, accesses: 5_000, writeFraction: 0.3 },
    { firstPage: 200, pages: 30, accesses: 5_000, writeFraction: 0.3 },
    { firstPage: 100, pages: 120, accesses: 100_000, writeFraction: 0.3 },
  ],
} as const;

describe("the pages that an estimator names", () => {
  const run = (estimator: Small["estimator"]) =>
    resultOf(
      estimateSmall({
        workload: MOVING,
        estimator,
        until: "1500us",
        operation: { window: "150us" },
      }).system,
    ).vms[0]!;

  it.each(each)(
    "are as many as were counted, held against as many as are true (%s)",
    (name, estimator) => {
      const { series, agreement } = run(estimator);
      if (["vmware", "hyperLogLog", "shards"].includes(name)) {
        expect(agreement).toBeNull();
        return;
      }
      // What has ended counts no more.
      const { counted, truthPages } = series.findLast((point) => point.counted > 0)!;
      const { precision, recall, jaccard } = agreement!.last;
      // Both are the pages that were rightly named.
      const right = recall * truthPages;
      expect(precision * counted).toBeCloseTo(right, 6);
      expect(jaccard).toBeCloseTo(right / (counted + truthPages - right), 9);
      expect(right).toBeGreaterThan(0);
    },
  );

  it("are those of the truth, of the truth; PML never leaves out what was written, and PEEK keeps what is cold", () => {
    expect(run(ESTIMATORS.truth).agreement).toEqual({
      last: { precision: 1, recall: 1, jaccard: 1 },
      mean: { precision: 1, recall: 1, jaccard: 1 },
    });
    const [peek, clean] = [run(ESTIMATORS.pml).agreement!, run(ESTIMATORS.pmlClean).agreement!];
    expect(peek.last.recall).toBeGreaterThan(clean.last.recall);
    expect(peek.last.precision).toBeLessThan(clean.last.precision);
  });
});

describe("a sketch of PRL's log", () => {
  it("tells how many pages were logged in each interval, as exactly as its registers are many", () => {
    const run = (estimator: Small["estimator"]) =>
      resultOf(estimateSmall({ workload: MOVING, estimator, until: "1500us" }).system).vms[0]!;
    const counting = {
      kind: "prl",
      tau: 1,
      threshold: "at-least",
      mu: "50us",
      omega: "50us",
    } as const;
    const exact = run({ ...counting, follow: "restart", continueWhenStable: false });
    const fine = run({ kind: "hyperLogLog", interval: "50us", precision: 12 });
    // The first interval of both begins with nothing; so few pages are told to the page, or nearly.
    expect(Math.abs(fine.series[0]!.pages! - exact.series[0]!.counted)).toBeLessThanOrEqual(3);
    // What is gone is forgotten with its interval: 150 pages, 30, 120.
    const pages = fine.series.map((point) => point.pages ?? 0);
    expect(Math.max(...pages)).toBeGreaterThan(100);
    expect(Math.min(...pages)).toBeLessThan(40);
    expect(fine.agreement).toBeNull();
  });
});

describe("the truth", () => {
  it.each(each)("equals an independent count over the stream (%s)", (_name, estimator) => {
    const window = 3;
    const system = buildSystem(
      smallScenario({
        workload: MOVING,
        estimator,
        until: "1500us",
        operation: { window: "150us" },
      }),
    );
    const replayed = createWorkload(workloadSchema.parse(MOVING), "vm/workload0", { seed: 1 });
    const block = new Int32Array(1);
    let played = 0;
    const intervals: Set<number>[] = [];
    const { values } = system.world.vcpus[0]!.counters;
    const estimator0 = system.actor("vm0/estimator");
    const looks = () => (estimator0.snapshot.context as { interval: number }).interval;
    let seen = 0;
    system.interconnect.delivered.subscribe(() => {
      if (looks() === seen) return;
      seen = looks();
      const pages = new Set<number>();
      for (; played < values[0]!; played++) {
        replayed.fill(block);
        pages.add(block[0]! >>> 2);
      }
      intervals.push(pages);
    });
    system.run();
    const { series } = resultOf(system).vms[0]!;
    expect(series.length).toBeGreaterThan(20);
    expect(series.map(({ truthPages }) => truthPages)).toEqual(
      intervals
        .map((_, i) => intervals.slice(Math.max(0, i + 1 - window), i + 1))
        .map((parts) => new Set(parts.flatMap((part) => [...part])).size),
    );
  });

  it("of the whole run is still the run's", () => {
    const { system } = estimateSmall({
      workload: { ...MOVING, accesses: 12_000 },
      estimator: ESTIMATORS.truth,
    });
    const pages = new Set<number>();
    const stream = createWorkload(workloadSchema.parse(MOVING), "vm/workload0", { seed: 1 });
    const block = new Int32Array(12_000);
    stream.fill(block);
    for (const word of block) pages.add(word >>> 2);
    expect(summarize(system).truth.pagesTouched).toBe(pages.size);
    expect(countTruth(system.world.vms[0]!.guest).pagesTouched).toBe(pages.size);
  });
});

describe("what an estimation costs", () => {
  const run = (costs: object, until = "2000us") =>
    estimateSmall({
      workload: MOVING,
      estimator: ESTIMATORS.prlRestart,
      machine: { costs: { hypervisor: costs } },
      until,
    });

  it("is paid by the pVM: a slower scan changes nothing for the guest", () => {
    const guest = (costs: object) => {
      const { series } = run(costs).result.vms[0]!;
      return series.map(({ time, executedCycles, truthPages, pages }) => {
        return { time, executedCycles, truthPages, pages };
      });
    };
    const pvm = (costs: object) => run(costs).result.pvm.processCycles;
    expect(guest({ scanEntry: 40 })).toEqual(guest({ scanEntry: 4 }));
    expect(pvm({ scanEntry: 40 })).toBeGreaterThan(3 * pvm({ scanEntry: 4 }));
  });

  it("PRL causes no VM exit but those of arming and disarming", () => {
    const { system } = run({});
    expect(Object.values(summarize(system).exits).reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(
      1,
    );
  });

  it("grows with the cumulative buffer, and is never more than one core each", () => {
    const { result } = estimateSmall({
      workload: {
        kind: "phaseChange",
        gap: 70,
        phases: [
          { firstPage: 0, pages: 300, accesses: 10_000 },
          { firstPage: 0, pages: 3000, accesses: 100_000 },
        ],
      },
      estimator: { ...ESTIMATORS.prlOnce, omega: "1s" },
      machine: { costs: { hypervisor: { scanEntry: 20 } } },
      operation: { loadInterval: "10us" },
      until: "3000us",
    });
    const cycles = result.vms[0]!.series.map(({ pvmCycles }) => pvmCycles);
    expect(cycles).toEqual([...cycles].sort((a, b) => a - b));
    expect(cycles.at(-1)!).toBeGreaterThan(3 * cycles[0]!);
    const { load, processCycles } = result.pvm;
    for (const { handler, processes } of load) {
      expect(handler + processes).toBeLessThanOrEqual(1.001);
    }
    const booked = load.reduce((sum, { processes }) => sum + processes * 24_000, 0);
    expect(booked / processCycles).toBeGreaterThan(0.9);
    expect(booked).toBeLessThanOrEqual(processCycles);
  });

  it("has the hypercalls in it, which the process has waited for already", () => {
    const system = buildSystem(
      smallScenario({ workload: MOVING, estimator: ESTIMATORS.accessedBits, until: "600us" }),
    );
    const harvests: number[] = [];
    const spent: number[] = [];
    const jobs: number[] = [];
    system.interconnect.delivered.subscribe(({ message }) => {
      if (message.type === "harvested") harvests.push(message.cycles);
      if (message.type !== "compute") return;
      spent.push(message.spent);
      jobs.push(message.cycles);
    });
    system.run();
    const { estimatorWake, scanEntry } = system.world.config.tracking.costs;
    const words = system.world.vms[0]!.tracked.dirty.bits.length;
    expect(spent).toEqual(harvests);
    expect(Math.min(...spent)).toBeGreaterThan(0);
    expect(new Set(jobs)).toEqual(new Set([estimatorWake + words * scanEntry]));
    const { series } = resultOf(system).vms[0]!;
    expect(series.map(({ pvmCycles }) => pvmCycles)).toEqual(jobs.map((job, i) => job + spent[i]!));
  });

  it("a process that takes longer than its interval loses intervals, and says so", () => {
    const { result } = run({ scanEntry: 400 }, "4000us");
    expect(result.vms[0]!.lostIntervals).toBeGreaterThan(10);
    expect(run({}).result.vms[0]!.lostIntervals).toBe(0);
  });

  it("the log-full handler preempts the process, and processes take turns", () => {
    const input = {
      self: 7,
      units: [],
      interruptCycles: 4,
      reloadCycles: 0,
      handlerBudget: 1,
    };
    const actor = createActor(pvmCpuMachine, { input }).start();
    const sent: unknown[] = [];
    actor.on("send", ({ to, delay, message }) => sent.push([message.type, to, delay]));
    const job = (requester: number, cycles: number) =>
      actor.send({ type: "compute", cycles, spent: 9, requester });
    job(20, 100);
    job(21, 50);
    actor.send({ type: "ipi", vector: 1, vcpu: 0 });
    actor.send({ type: "logsDrained", drained: [], cycles: 10, uncounted: 0 });
    actor.send({ type: "jobDue" });
    actor.send({ type: "jobDue" });
    actor.send({ type: "jobDue" });
    expect(sent).toEqual([
      ["jobDue", 7, 100],
      ["logsCopied", 7, 14],
      ["jobDue", 7, 14],
      ["computed", 20, 0],
      ["jobDue", 7, 50],
      ["computed", 21, 0],
    ]);
    expect(actor.getSnapshot().context.jobCycles).toBe(100 + 50 + 2 * 9);
  });
});

describe("several VMs", () => {
  it("have an estimation process each", () => {
    const base = smallScenario({
      workload: MOVING,
      estimator: ESTIMATORS.prl,
      machine: { cpus: 3 },
      operation: { window: "500us" },
      until: "2000us",
    });
    const vms = [40, 90, 170].map((pages, vm) => ({
      ...base.vms[0]!,
      name: `vm${vm}`,
      workload: workloadSchema.parse({ kind: "uniform", pages, gap: 70 }),
    }));
    const system = buildSystem({ ...base, vms });
    system.run();
    const result = resultOf(system);
    expect(result.vms.map(({ pages }) => pages)).toEqual([40, 90, 170]);
    expect(result.vms.every(({ error }) => error === 0)).toBe(true);
  });

  it("are estimated until the last of them has halted", () => {
    const base = smallScenario({
      workload: MOVING,
      estimator: ESTIMATORS.truth,
      machine: { cpus: 2 },
    });
    const vms = [2_000, 20_000].map((accesses, vm) => ({
      ...base.vms[0]!,
      name: `vm${vm}`,
      workload: workloadSchema.parse({ kind: "uniform", pages: 40, gap: 70, accesses }),
    }));
    const { until: _, ...endless } = base;
    const system = buildSystem({ ...endless, vms });
    system.run();
    expect(system.done).toBe(true);
    const ends = resultOf(system).vms.map(({ series }) => series.at(-1)!.time);
    expect(ends).toEqual([ends[1], ends[1]]);
    expect(["vcpu0", "vcpu1"].map((name) => system.actor(name).value)).toEqual([
      "halted",
      "halted",
    ]);
    expect(system.interconnect.now - ends[1]!).toBeLessThan(2 * CYCLES_OF_50_US);
  });
});

describe("a snapshot", () => {
  it.each(each)("taken on the way continues to the same result (%s)", (_name, estimator) => {
    const scenario = smallScenario({ workload: MOVING, estimator, until: "900us", seed: 4 });
    const whole = buildSystem(scenario);
    const messages = whole.run();
    for (const part of [0.2, 0.5, 0.8]) {
      const first = buildSystem(scenario);
      first.run(Math.floor(part * messages));
      const second = buildSystem(scenario);
      second.restore(first.save());
      second.run();
      expect(resultOf(second)).toEqual(resultOf(whole));
      expect(second.digests()).toEqual(whole.digests());
    }
  });
});

describe("the kernel's footprint", () => {
  it("is added to every estimate: given, or found by shrinking an emulated VM", () => {
    const run = (kernelFootprint?: unknown) =>
      estimateSmall({
        workload: { kind: "uniform", pages: 40, gap: 70 },
        estimator: ESTIMATORS.prl,
        until: "1000us",
        operation: kernelFootprint === undefined ? {} : { kernelFootprint },
      }).result;
    const without = run();
    expect(without.vms[0]!.pages).toBe(40);
    const given = run("1MiB");
    expect(given.vms[0]!.pages).toBe(40 + 256);
    expect(given.vms[0]!.bytes).toBe((40 + 256) * 4096);
    expect(given.vms[0]!.error).toBe(0);
    const found = run({ needs: "1MiB", from: "2MiB" });
    expect(found.footprintPages).toBeGreaterThanOrEqual(256);
    expect(found.footprintPages).toBeLessThan(270);
  });
});

describe("what cannot be is refused, in one line", () => {
  const prl = { kind: "prl", mu: "10us", omega: "40us" };
  const vmware = { kind: "vmware", samples: 20, period: "100us" };
  const refused: readonly (readonly [string, RegExp, Partial<Small>])[] = [
    ["tau 0", /tau|>=\s?1/i, { estimator: { ...prl, tau: 0 } }],
    ["mu 0", /above 0/, { estimator: { ...prl, mu: "0us" } }],
    ["mu longer than the run", /estimator\.mu: .*longer than the run/, { until: "5us" }],
    ["an interval in nanoseconds", /too short/, { until: "10s" }],
    ["omega not a multiple of mu", /whole multiple/, { estimator: { ...prl, omega: "45us" } }],
    ["omega with DW19's loop", /no omega/, { estimator: { ...prl, loop: "dw19" } }],
    ["mu that does not divide 120 s", /divisor/, { estimator: { kind: "prl", mu: "7s" } }],
    ["a generation without ageing", /ageing/, { estimator: { ...prl, generation: "40us" } }],
    [
      "more samples than pages",
      /51 samples, but VM "vm" has 50/,
      {
        estimator: { ...vmware, samples: 51 },
      },
    ],
    [
      "looks that do not divide the period",
      /divisor of the period/,
      {
        estimator: { ...vmware, interval: "30us" },
      },
    ],
    [
      "a slow average that is faster",
      /at most the gain/,
      {
        estimator: { ...vmware, averages: { slow: 0.9, fast: 0.5 } },
      },
    ],
    ["a negative footprint", /a size such as/, { operation: { kernelFootprint: "-1MiB" } }],
    [
      "a footprint that no VM has",
      /needs 512 pages/,
      {
        operation: { kernelFootprint: { needs: "2MiB", from: "1MiB" } },
      },
    ],
    ["a window of half an interval", /operation\.window/, { operation: { window: "5us" } }],
  ];

  it.each(refused)("%s", (_what, message, change) => {
    const attempt = () =>
      buildSystem(
        smallScenario({
          workload: { kind: "uniform", pages: 50, gap: 70 },
          estimator: prl,
          until: "1000us",
          ...change,
        }),
      );
    expect(attempt).toThrow(message);
  });
});

it("an estimation by PRL waits 120 s for a change unless omega is given (VEE21's evaluation): mu divides that", () => {
  const isTaken = (estimator: object): boolean =>
    estimateSchema().safeParse({ kind: "estimate", estimator }).success;
  for (const mu of ["30s", "40s", "120s"]) expect(isTaken({ kind: "prl", mu }), mu).toBe(true);
  for (const mu of ["50s", "121s", "240s"]) expect(isTaken({ kind: "prl", mu }), mu).toBe(false);
  expect(isTaken({ kind: "prl", mu: "50s", omega: "100s" })).toBe(true);
});

describe("an estimation that is told to end", () => {
  const workload = { kind: "uniform", pages: 64, gap: 70, accesses: 40_000, writeFraction: 0.3 };
  const built = (estimator: object) => buildSystem(smallScenario({ workload, estimator }));

  it.each(each)("ends, whatever its estimator is doing (%s)", (_name, estimator) => {
    // Where the estimator has come into each of its states for the first time.
    const first = new Map<unknown, number>();
    const whole = built(estimator);
    const { value: initial } = whole.actor("vm0/estimator");
    let messages = 0;
    for (let position = 1; whole.step(); position++) {
      messages = position;
      const { value } = whole.actor("vm0/estimator");
      if (value !== initial && !first.has(value)) first.set(value, position);
    }
    expect(first.size).toBeGreaterThan(2);
    for (const [state, position] of first) {
      const system = built(estimator);
      for (let i = 0; i < position; i++) system.step();
      expect(system.actor("vm0/estimator").value).toBe(state);
      if (state === "done") continue;
      system.command("toolstack", { type: "deadline" });
      system.run(2 * messages);
      expect({ state, done: system.done }).toEqual({ state, done: true });
    }
  });
});
