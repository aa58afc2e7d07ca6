/**
 * The verdict of a run: every harvest is held against what the guest did in that round. What a technique
 * owes and does not report is lost, and said; what it may leave out, or add, is not.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatSummary } from "../../src/cli/runReport.ts";
import { clearTruth } from "../../src/hardware/guestPages.ts";
import { DEFAULT_HYPERVISOR_COSTS } from "../../src/hypervisor/costs.ts";
import { TECHNIQUES } from "../../src/hypervisor/techniques/all.ts";
import { TRACKER_FAULTS, type TrackerFault } from "../../src/hypervisor/trackedVm.ts";
import { buildSystem } from "../../src/system/build.ts";
import { OPERATION_FAULTS, type OperationFault } from "../../src/system/operation.ts";
import { type Scenario, scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { type RunSummary, summarize } from "../../src/system/summary.ts";
import { System } from "../../src/system/system.ts";
import { brokenPromises } from "../../src/system/verdict/verdict.ts";
import { build, configOf, drive, type Recipe, SIMPLE, withTechnique } from "./smallSystems.ts";

const workload = { kind: "uniform", pages: 300, writeFraction: 0.5, gap: 400, accesses: 60_000 };

function parse(fields: object, vm: object = {}): Scenario {
  const vms = [{ memory: "2MiB", workload, ...vm }];
  const operation = { kind: "measure", harvest: "1ms" };
  return scenarioSchema.parse({ name: "verdict", vms, operation, ...fields });
}

function run(scenario: Scenario): RunSummary {
  const system = buildSystem(scenario);
  system.run();
  return summarize(system);
}

/** Events that take no time: as many rounds as possible. */
const CHEAP = Object.fromEntries(Object.keys(DEFAULT_HYPERVISOR_COSTS).map((name) => [name, 1]));

describe("a planted fault", () => {
  const twoVcpus = { vcpus: 2, workload };
  /** So few pages that the first bitmap lets libxc stop. */
  const fewPages = { workload: { ...workload, pages: 30 } };
  const migrate = { kind: "migrate", link: { bandwidth: "1Gbit/s" } };
  /** Four CPUs in the guest all the time, and a guest that has to give up a page for each that it gets. */
  const crowded = {
    machine: {
      cpus: 4,
      costs: { hypervisor: { invept: 300, violationHandler: 500, guestFault: 500 } },
    },
    operation: {
      kind: "overcommit",
      memory: "48KiB",
      guest: { victims: "random" },
      interval: "200us",
      estimator: { kind: "truth", interval: "100us" },
      swap: { latency: "0us", bandwidth: "100GiB/s", batch: 1 },
      reference: false,
    },
    until: "5ms",
  };
  const crowd = {
    memory: "64KiB",
    paging: "off",
    vcpus: 4,
    workload: { kind: "uniform", pages: 16, writeFraction: 0.9 },
  };

  /** Other pages from checkpoint to checkpoint. */
  const moving = {
    workload: { kind: "sequential", pages: 300, writeFraction: 1, gap: 40_000, accesses: 600 },
  };

  /** A slot that is deleted between two harvests, one that moves, one whose owner gives up logging it. */
  const slotted = {
    paging: "off",
    memory: "4MiB",
    slots: [
      { memory: "512KiB" },
      { memory: "512KiB", log: true },
      { address: "3MiB", memory: "512KiB" },
    ],
    workload: { ...workload, pages: 1024 },
  };
  const changed = (...slotChanges: readonly object[]) => ({ ...slotted, slotChanges });

  const table: Readonly<Record<TrackerFault | OperationFault, readonly [object, object, RegExp]>> =
    {
      skipInvept: [{}, {}, /^vm0: round \d+ lost [\d,]+ written pages \(pages \d+, .*, under pml$/],
      harvestBeforeDrain: [{}, {}, /^vm0: round 1 lost [\d,]+ written pages/],
      pmlOnSomeVcpus: [{ machine: { cpus: 2 } }, twoVcpus, /^vm0: round 1 lost [\d,]+ written/],
      tornEntries: [
        {
          tracker: { technique: "accessedDirtyScan", preemptEvery: 10 },
          operation: { kind: "measure", harvest: "20us", live: true },
        },
        {},
        /^vm0: round \d+ lost \d+ written page/,
      ],
      cleanedBitmapNotSent: [
        { operation: migrate },
        fewPages,
        /^migration of vm0: page \d+ differs/,
      ],
      failedCheckpointForgotten: [
        {
          operation: {
            kind: "checkpoint",
            mode: "diff",
            times: ["1ms", "3ms", "5ms"],
            bandwidth: "400Gbit/s",
            fails: [1],
          },
        },
        moving,
        /^checkpoint 2 left out [\d,]+ written pages? of vm0 \(the first is page \d+\)/,
      ],
      slotDeletedUnharvested: [
        {},
        changed({ at: "1500us", slot: 0, memory: "0" }),
        /^vm0: round 2 lost [\d,]+ written pages/,
      ],
      slotLoggingDropped: [
        {},
        changed({ at: "1500us", slot: 1, log: false }),
        /^vm0: round 2 lost [\d,]+ written pages/,
      ],
      slotMemoryUnseen: [
        {},
        changed({ at: "1500us", slot: 0, address: "2MiB" }),
        /^vm0: round 2 lost [\d,]+ written pages/,
      ],
      slotsInWrongPlace: [{}, slotted, /^vm0: round 1 lost [\d,]+ written pages/],
      slotArmedByPosition: [
        {},
        {
          ...slotted,
          slots: [
            { address: "2MiB", memory: "1MiB" },
            { address: "0", memory: "1MiB" },
          ],
        },
        /^vm0: round \d+ lost [\d,]+ written pages/,
      ],
      protectedBeforeTaken: [
        {
          machine: {
            tlb: { l1: { sets: 4, ways: 2 }, l2: { sets: 4, ways: 2 } },
            costs: { hypervisor: { protectPage: 2000 } },
          },
          tracker: { technique: "writeProtect", preemptEvery: 10 },
          operation: { kind: "measure", harvest: "1ms", live: true },
        },
        {},
        /^vm0: round \d+ lost \d+ written page/,
      ],
      laterSendsDirtyAlone: [
        { operation: { ...migrate, repeat: {} }, until: "100ms" },
        { workload: { ...workload, gap: 40_000 } },
        /^migration of vm0: page \d+ differs/,
      ],
      swapBeforeInvept: [crowded, crowd, /^vm0: .* lost, the first to page \d+/],
    };

  it.each(Object.entries(table))(
    "%s is seen in the failures of a run",
    (fault, [fields, vm, what]) => {
      const { failures } = run(parse({ ...fields, faults: [fault] }, vm));
      expect(failures.filter((failure) => what.test(failure))).not.toEqual([]);
      const without = run(parse(fields, vm)).failures;
      // Storage that refuses a checkpoint is a failure of its own.
      expect(without.filter((failure) => !failure.includes("was not written"))).toEqual([]);
    },
  );

  it("is in the table, whichever it is", () => {
    expect(Object.keys(table).sort()).toEqual([...TRACKER_FAULTS, ...OPERATION_FAULTS].sort());
  });

  it.each([
    [
      "skipInvept",
      { tracker: { technique: "none" } },
      /^faults\[0\]: "skipInvept" can do nothing here: it needs a tracker/,
    ],
    ["harvestBeforeDrain", { tracker: { technique: "writeProtect" } }, /it needs technique "pml"/],
    ["pmlOnSomeVcpus", {}, /it needs PML, and a VM of several vCPUs/],
    [
      "tornEntries",
      { tracker: { preemptEvery: 4 } },
      /it needs technique "accessedDirtyScan", "pr/,
    ],
    ["cleanedBitmapNotSent", {}, /it needs operation "migrate"/],
    ["failedCheckpointForgotten", {}, /it needs operation "checkpoint"/],
    [
      "failedCheckpointForgotten",
      { operation: { kind: "checkpoint" } },
      /it needs mode "diff", and a checkpoint that fails/,
    ],
    ["slotDeletedUnharvested", {}, /it needs a tracker, and a slot that is moved or deleted/],
    ["slotLoggingDropped", {}, /it needs a tracker, and a slot whose "log" is turned off/],
    ["slotMemoryUnseen", {}, /it needs a tracker, and a slot that is made or moved/],
    ["slotsInWrongPlace", {}, /it needs a tracker, and slots with a gap between them/],
    ["slotArmedByPosition", {}, /it needs a tracker, and a VM of several slots/],
    ["protectedBeforeTaken", {}, /it needs a technique with a dirty bitmap, "preemptEvery"/],
    ["laterSendsDirtyAlone", {}, /it needs operation "migrate"/],
    ["laterSendsDirtyAlone", { operation: { kind: "migrate" } }, /it needs "repeat"/],
    ["swapBeforeInvept", {}, /it needs operation "overcommit"/],
  ])("%s is refused where it could do nothing", (fault, fields, what) => {
    expect(() => buildSystem(parse({ ...fields, faults: [fault] }))).toThrow(what);
  });

  // What mincore arms it arms once, before guests have run: without a limit no TLB holds what it takes.
  it.each(TECHNIQUES.filter((name) => name !== "none" && name !== "mincore"))(
    "skipInvept under %s: the loss is said with VM, round and pages",
    (technique) => {
      const scenario = parse({ tracker: { technique }, faults: ["skipInvept"] });
      const { harvests, failures } = run(scenario);
      const [{ losses, lostPages, lossy }] = harvests as [RunSummary["harvests"][number]];
      expect(lossy).toBeGreaterThan(0);
      expect(lostPages).toBeGreaterThanOrEqual(lossy);
      for (const { round, pages, firstPages } of losses) {
        // The first round begins after the last TLB entry was made without a tracker: it may lose, too.
        expect(round).toBeGreaterThanOrEqual(1);
        expect(firstPages).toHaveLength(Math.min(pages, 5));
        expect(firstPages.toSorted((a, b) => a - b)).toEqual(firstPages);
      }
      expect(failures.length).toBeGreaterThan(0);
    },
  );
});

describe("a harvest", () => {
  it.each(TECHNIQUES.filter((name) => name !== "none"))(
    "under %s is held against the truth, and nothing is lost",
    (technique) => {
      const { harvests, failures } = run(
        parse({ tracker: { technique }, machine: { cpus: 2 } }, { vcpus: 2 }),
      );
      expect(failures).toEqual([]);
      expect(harvests).toMatchObject([
        { vm: "vm0", technique, lossy: 0, lostPages: 0, losses: [] },
      ]);
      expect(harvests[0]!.harvests).toBeGreaterThan(5);
    },
  );

  it("of any small system, under any technique, loses nothing", () => {
    let compared = 0;
    fc.assert(
      fc.property(
        withTechnique(...TECHNIQUES),
        fc.integer({ min: 1, max: 30 }),
        fc.nat(2000),
        (any, passes, harvest) => {
          const recipe = { ...any, passes, harvest, costs: CHEAP };
          const system = build(recipe);
          drive(system, () => {});
          expect(brokenPromises(system)).toEqual([]);
          compared += summarize(system).harvests[0]!.harvests;
        },
      ),
      { numRuns: 200 },
    );
    expect(compared).toBeGreaterThan(500);
  });

  it("that an estimator asks for while the VM runs loses nothing either", () => {
    const estimators = [
      { kind: "accessedBits", interval: "50us" },
      { kind: "pml", interval: "50us", clean: true },
      { kind: "pml", interval: "50us" },
      { kind: "vmware", samples: 20, period: "100us" },
    ];
    for (const estimator of estimators) {
      const { harvests, failures } = run(
        parse(
          { machine: { cpus: 2 }, operation: { kind: "estimate", estimator }, until: "10ms" },
          { vcpus: 2, workload: { ...workload, gap: 20 } },
        ),
      );
      expect(failures).toEqual([]);
      expect(harvests[0]!.harvests).toBeGreaterThan(3);
    }
  });

  it("of PRL's counts by an estimator finds what was touched there, in a log, or among what was dropped", () => {
    const estimators = [
      { kind: "prl", mu: "100us", omega: "400us", tau: 1, follow: "restart" },
      { kind: "prl", mu: "100us", omega: "400us", tau: 1, follow: "ageing" },
      { kind: "prl", mu: "100us", omega: "1ms" },
    ];
    for (const [estimator, logEntries, doubleBuffer] of estimators.flatMap((one) => [
      [one, 512, false] as const,
      [one, 4, false] as const,
      [one, 8, true] as const,
    ])) {
      const { harvests, failures, missedGpas } = run(
        parse(
          {
            machine: {
              cpus: 2,
              logEntries,
              tlb: { l1: { sets: 2, ways: 2 }, l2: { sets: 2, ways: 2 } },
            },
            operation: { kind: "estimate", estimator },
            tracker: { prl: { doubleBuffer } },
            until: "2ms",
          },
          { vcpus: 2 },
        ),
      );
      expect(failures).toEqual([]);
      expect(harvests[0]!.harvests).toBeGreaterThan(5);
      if (logEntries === 4) expect(missedGpas).toBeGreaterThan(0);
    }
  });

  it("says which pages PRL had to drop apart from lost ones: its log was full", () => {
    const tracker = { technique: "prl" };
    const machine = { logEntries: 4, tlb: { l1: { sets: 2, ways: 2 }, l2: { sets: 2, ways: 2 } } };
    const { harvests, failures, missedGpas } = run(parse({ tracker, machine }));
    expect(missedGpas).toBeGreaterThan(0);
    expect(harvests[0]!.droppedPages).toBeGreaterThan(0);
    expect(failures).toEqual([]);
  });

  it("of PRL owes one address of a large leaf: a miss fills the TLB for all of its pages", () => {
    const vms = [
      {
        pages: 8,
        paging: "off" as const,
        leafLevel: 2 as const,
        vcpus: [{ gap: 0, script: [0, 1, 2].map((page) => [page, 1] as const) }],
      },
    ];
    const system = build({ ...SIMPLE, technique: "prl", logEntries: 4, vms });
    drive(system, () => {});
    expect(summarize(system)).toMatchObject({
      failures: [],
      truth: { pagesTouched: 3 },
      reported: { pagesTouched: 1 },
    });
  });

  it("loses the page tables that Bochs does not ask the EPT about, and says so", () => {
    const machine = { compatibility: "bochs" };
    const { failures } = run(parse({ machine, tracker: { technique: "writeProtect" } }));
    expect(failures[0]).toMatch(/^vm0: round 1 lost \d+ page tables? \(pages? \d+.*; Bochs, which/);
    const sdm = run(parse({ tracker: { technique: "writeProtect" } }));
    expect(sdm.failures).toEqual([]);
  });

  it("reports too much where a vCPU was about to write, and that is counted", () => {
    const { harvests } = run(
      parse({ tracker: { technique: "writeProtect" }, machine: { quantum: "1us" } }),
    );
    expect(harvests[0]!.overReported).toBeGreaterThan(0);
    expect(harvests[0]!.overReported).toBeLessThanOrEqual(harvests[0]!.harvests);
  });

  it("of a bitmap that begins with all bits set is not blamed for them", () => {
    const tracker = { technique: "pml", initiallySet: true };
    const { harvests, failures } = run(parse({ tracker }));
    expect(failures).toEqual([]);
    expect(harvests[0]!.overReported).toBe(0);
  });

  it("that the operator asks for, and one before another tracker is armed, are held against it, too", () => {
    const system = buildSystem(parse({ machine: { cpus: 2 } }, { vcpus: 2 }));
    system.run(60);
    system.command("operator", { type: "harvestNow", vm: 0 });
    system.run(60);
    system.command("operator", { type: "switchTracker", vm: 0, technique: "accessedDirtyScan" });
    system.run();
    const { harvests, failures, reported } = summarize(system);
    expect(failures).toEqual([]);
    expect(harvests[0]!.technique).toBe("accessedDirtyScan");
    expect(reported.pagesTouched).not.toBeNull();
  });

  it("of a PEEK that leaves a page out is blamed once for it", () => {
    const operation = { kind: "estimate", estimator: { kind: "pml", interval: "100us" } };
    const scenario = parse({ operation, faults: ["harvestBeforeDrain"], until: "3ms" });
    const { harvests } = run(scenario);
    const { lostPages, harvests: count } = harvests[0]!;
    expect(count).toBeGreaterThan(10);
    expect(lostPages).toBeGreaterThan(0);
    // The same pages, and the page tables that were written with them, are missing in every later PEEK.
    expect(lostPages).toBeLessThanOrEqual(310);
  });
});

describe("the summary", () => {
  it("follows the technique that was armed: without memory for logs, write protection", () => {
    for (const technique of ["pml", "prl"]) {
      const summary = run(parse({ tracker: { technique, logLimit: 0 } }));
      const { harvests, reported, truth } = summary;
      expect(summary).toMatchObject({ technique: "writeProtect", asked: technique });
      expect(formatSummary("a run", summary)[0]).toMatch(
        new RegExp(`^a run: writeProtect, where ${technique} was asked for, `),
      );
      expect(harvests[0]!.technique).toBe("writeProtect");
      expect(reported.pagesWritten).toBe(truth.pagesWritten);
      expect(reported.pagesTouched).toBeNull();
    }
  });

  it("is the same after a save and a restore in the middle of a round", () => {
    const scenario = parse({ faults: ["skipInvept"], machine: { cpus: 2 } }, { vcpus: 2 });
    const whole = buildSystem(scenario);
    whole.run();
    const first = buildSystem(scenario);
    first.run(4000);
    const second = buildSystem(scenario);
    second.restore(first.save());
    second.run();
    expect(summarize(second)).toEqual(summarize(whole));
    expect(summarize(second).failures).not.toEqual([]);
  });

  it("costs the run nothing: without judging rounds it is the same, message by message", () => {
    const recipe: Recipe = {
      ...SIMPLE,
      harvest: 0,
      passes: 20,
      vms: [
        {
          pages: 20,
          paging: "longMode",
          leafLevel: 1,
          vcpus: [{ gap: 7, script: Array.from({ length: 40 }, (_, i) => [i, i % 2] as const) }],
        },
      ],
    };
    const messages = [true, false].map((judgesRounds) => {
      const system = new System({ ...configOf(recipe), judgesRounds });
      const seen: string[] = [];
      drive(system, (delivery) => seen.push(JSON.stringify(delivery)));
      return seen;
    });
    expect(messages[0]).toEqual(messages[1]);
    expect(messages[0]!.length).toBeGreaterThan(100);
  });

  it("still judges rounds when somebody clears the truth of the whole run", () => {
    const system = buildSystem(parse({ faults: ["skipInvept"] }));
    while (system.run(100) === 100) clearTruth(system.world.vms[0]!.guest);
    expect(summarize(system).harvests[0]!.lossy).toBeGreaterThan(0);
  });
});
