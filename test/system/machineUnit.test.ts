/** A page-logging unit that a scenario designs: described as one that is built in it is that one, and it is its own run's alone. */
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import {
  loadScenario,
  openLog,
  type RunSummary,
  registerUnit,
  runScenario,
} from "../../src/library/index.ts";
import type { ScenarioFields } from "../../src/library/scenario.ts";
import { refuseUnread } from "../../src/runs/scenarioFile.ts";
import { Scratch } from "../cli/command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

type Machine = NonNullable<ScenarioFields["machine"]>;
type Unit = NonNullable<Machine["unit"]>;
type Tracker = NonNullable<ScenarioFields["tracker"]>;

interface Recipe {
  readonly seed: number;
  readonly pages: number;
  readonly vcpus: number;
  readonly cpus: number;
  readonly writes: number;
  readonly logEntries: number;
  readonly paging: "off" | "longMode";
  readonly pageSize: "4K" | "2M";
  readonly harvest: number;
  readonly live: boolean;
}

const recipes: fc.Arbitrary<Recipe> = fc.record({
  seed: fc.nat(1e6),
  pages: fc.integer({ min: 1, max: 300 }),
  vcpus: fc.integer({ min: 1, max: 3 }),
  cpus: fc.integer({ min: 1, max: 2 }),
  writes: fc.constantFrom(0, 0.3, 1),
  logEntries: fc.integer({ min: 1, max: 40 }),
  paging: fc.constantFrom("off", "longMode"),
  pageSize: fc.constantFrom("4K", "4K", "2M"),
  harvest: fc.integer({ min: 20, max: 400 }),
  live: fc.boolean(),
});

const TLB = { l1: { sets: 4, ways: 2 }, l1Large: { sets: 1, ways: 2 }, l2: { sets: 8, ways: 2 } };

function scenarioOf(recipe: Recipe, tracker: Tracker, unit?: Unit): ScenarioFields {
  const { seed, pages, vcpus, cpus, logEntries, paging, pageSize, harvest, live } = recipe;
  const { writes: writeFraction } = recipe;
  return {
    name: "designed",
    seed,
    machine: { cpus, logEntries, tlb: TLB, ...(unit === undefined ? {} : { unit }) },
    vms: [
      {
        memory: "2MiB",
        vcpus,
        paging,
        pageSize,
        workload: { kind: "uniform", pages, writeFraction, gap: 300, accesses: 1500 },
      },
    ],
    tracker,
    operation: { kind: "measure", harvest: `${harvest}us`, live },
  };
}

/** All that a run says but names; and messages, as the handler has each sort of unit reload, whichever logs. */
function counted({ technique, asked, exits, harvests, messages, ...rest }: RunSummary) {
  return {
    ...rest,
    exits: Object.values(exits).sort((a, b) => a - b),
    harvests: harvests.map(({ technique: _, ...one }) => one),
  };
}

const DESIGNED: Tracker = { technique: "machineUnit" };

const TWINS: readonly { readonly name: string; readonly tracker: Tracker; readonly unit: Unit }[] =
  [
    {
      name: "PML",
      tracker: { technique: "pml" },
      unit: { trigger: "dirtyBit", whenFull: "exit", direction: "down", gatesAccessed: true },
    },
    {
      name: "the overflow log",
      tracker: { technique: "overflowLog" },
      unit: { trigger: "dirtyBit", whenFull: "drop", direction: "up" },
    },
    {
      name: "PRL that stores at index 0",
      tracker: { technique: "prl", prl: { slotRule: "store-at-zero" } },
      unit: { trigger: "tlbMiss", whenFull: "interrupt" },
    },
    {
      name: "PRL with two logs",
      tracker: { technique: "prl", prl: { slotRule: "store-at-zero", doubleBuffer: true } },
      unit: { trigger: "tlbMiss", whenFull: "interrupt", buffers: 2 },
    },
    {
      name: "PRL of DW19, with the guest's tables",
      tracker: { technique: "prl", prl: { slotRule: "store-at-zero", variant: "dw19" } },
      unit: { trigger: "tlbMiss", whenFull: "interrupt", filter: { guestTables: "log" } },
    },
  ];

describe("a unit that is described as one that is built in", () => {
  it.each(TWINS)("counts exactly what that one counts: $name", async ({ tracker, unit }) => {
    await fc.assert(
      fc.asyncProperty(recipes, async (recipe) => {
        const [builtIn, designed] = await Promise.all([
          runScenario(scenarioOf(recipe, tracker)),
          runScenario(scenarioOf(recipe, DESIGNED, unit)),
        ]);
        expect(counted(designed)).toEqual(counted(builtIn));
      }),
      { numRuns: 12 },
    );
  });

  it("is stopped by a log that it fills, if its log is shorter", async () => {
    const recipe = { ...FIXED, logEntries: 40 };
    const [long, short] = await Promise.all(
      [40, 8].map((entries) => runScenario(scenarioOf(recipe, DESIGNED, { ...PML_LIKE, entries }))),
    );
    expect(short?.logFull).toBeGreaterThan(2 * (long?.logFull ?? 0));
    expect(short?.reported).toEqual(long?.reported);
  });
});

const FIXED: Recipe = {
  seed: 1,
  pages: 200,
  vcpus: 2,
  cpus: 2,
  writes: 0.5,
  logEntries: 16,
  paging: "longMode",
  pageSize: "4K",
  harvest: 100,
  live: false,
};
const PML_LIKE: Unit = { trigger: "dirtyBit", whenFull: "exit" };

describe("whatever its log does when it is full", () => {
  const WRITES: readonly Unit[] = (["exit", "interrupt", "drop"] as const).flatMap((whenFull) =>
    (["up", "down"] as const).flatMap((direction) => {
      const unit: Unit = { trigger: "dirtyBit", whenFull, direction };
      return whenFull === "interrupt" ? [unit, { ...unit, buffers: 2 }] : [unit];
    }),
  );

  it.each(WRITES)("no written page is lost: %o", async (unit) => {
    await fc.assert(
      fc.asyncProperty(recipes, async (recipe) => {
        const { failures, reported, truth, harvests } = await runScenario(
          scenarioOf(recipe, DESIGNED, unit),
        );
        expect(failures).toEqual([]);
        expect(reported.pagesWritten).toBe(truth.pagesWritten);
        expect(
          harvests.every(({ lostPages, overReported }) => lostPages + overReported === 0),
        ).toBe(true);
      }),
      { numRuns: 8 },
    );
  });

  it.each(["interrupt", "drop"] as const)(
    "misses that it has dropped are known: %s",
    async (whenFull) => {
      const unit: Unit = { trigger: "tlbMiss", whenFull, sample: "1/3" };
      const { failures, logEntries, missedGpas, reported, truth } = await runScenario(
        scenarioOf(FIXED, DESIGNED, unit),
      );
      expect(failures).toEqual([]);
      expect(logEntries).toBeGreaterThan(0);
      expect(missedGpas).toBeGreaterThan(logEntries);
      expect(reported.pagesTouched).toBeLessThanOrEqual(truth.pagesTouched);
    },
  );

  it("of a filter only pages inside are reported", async () => {
    const filter = { from: "256KiB", below: "512KiB" } as const;
    const unit: Unit = { trigger: "tlbMiss", whenFull: "drop", direction: "up", filter };
    const recipe: Recipe = { ...FIXED, pages: 300, logEntries: 5000 };
    const { reported } = await runScenario(scenarioOf(recipe, DESIGNED, unit));
    expect(reported.pagesTouched).toBe(64);
  });
});

describe("a unit of a scenario", () => {
  it("is that of its own run alone", async () => {
    const units: readonly Unit[] = [
      PML_LIKE,
      { trigger: "tlbMiss", whenFull: "interrupt" },
      { trigger: "dirtyBit", whenFull: "drop" },
    ];
    const alone: RunSummary[] = [];
    for (const unit of units) alone.push(await runScenario(scenarioOf(FIXED, DESIGNED, unit)));
    registerUnit({ name: "beside", finds: "written" });
    const together = await Promise.all(
      units.map((unit) => runScenario(scenarioOf(FIXED, DESIGNED, unit))),
    );
    expect(together).toEqual(alone);
    // What is not asked for is not there.
    const [without, beside] = await Promise.all([
      runScenario(scenarioOf(FIXED, { technique: "prl" })),
      runScenario(scenarioOf(FIXED, { technique: "prl" }, units[1])),
    ]);
    expect(beside).toEqual(without);
  });

  it.each(["exit", "interrupt", "drop"] as const)(
    "is recorded and replayed: %s",
    async (whenFull) => {
      const record = scratch.path(`machine-unit-${whenFull}.tvlog`);
      const unit: Unit = { trigger: "dirtyBit", whenFull, name: "mine" };
      await runScenario(scenarioOf(FIXED, DESIGNED, unit), { record });
      const log = openLog(record);
      expect((await log.replay()).difference).toBeNull();
      log.close();
    },
  );

  it.each([
    [{ "machine.unit.trigger": "tlbMis" }, /trigger: .*did you mean "tlbMiss"\?/],
    [{ "machine.unit.whenFull": "stop" }, /whenFull: expected one of exit, interrupt, drop/],
    [{ "machine.unit.sample": "1/0" }, /sample: expected 1\/1 to 1\/65536/],
    [{ "machine.unit.sample": "1/99999" }, /sample: expected at most 1\/65536/],
    [{ "machine.unit.sample": "1/2" }, /sample: goes with trigger tlbMiss/],
    [{ "machine.unit.filter": { from: "1MiB" } }, /filter: goes with trigger tlbMiss/],
    [{ "machine.unit.buffers": 2 }, /buffers: goes with whenFull interrupt/],
    [{ "machine.unit.buffers": 3 }, /buffers/],
    [{ "machine.unit.entries": 65537 }, /entries: .*65536/],
    [{ "machine.unit.entires": 4 }, /entires: unknown field; did you mean "entries"\?/],
    [{ "machine.unit.name": "two words" }, /name: expected up to 20 letters/],
    [
      { "machine.unit.trigger": "tlbMiss" },
      /whenFull: with trigger tlbMiss expected interrupt or drop/,
    ],
    [
      { "machine.unit.trigger": "tlbMiss", "machine.unit.filter": { from: "1MiB", below: "1MiB" } },
      /expected "from" below "below"/,
    ],
  ])("is refused in a line: %o", (set, message) => {
    const fields = scenarioOf(FIXED, DESIGNED, PML_LIKE);
    expect(() => loadScenario(fields, { set })).toThrow(message);
  });

  it("is needed by its technique, and read by no other", async () => {
    await expect(runScenario(scenarioOf(FIXED, DESIGNED))).rejects.toThrow(
      /machine.unit: technique "machineUnit" needs it/,
    );
    const unread = loadScenario(scenarioOf(FIXED, { technique: "pml" }, PML_LIKE), {
      set: { "machine.unit.entries": 8 },
    });
    expect(() => refuseUnread(unread)).toThrow(
      /machine.unit would change nothing: technique "pml" does not use it/,
    );
    const doubly = loadScenario(scenarioOf(FIXED, DESIGNED, { ...PML_LIKE, entries: 8 }), {
      set: { "machine.logEntries": 9 },
    });
    expect(() => refuseUnread(doubly)).toThrow(/machine.unit.entries says it/);
  });
});
