/** Page-logging units of users. */
import { describe, expect, it } from "vitest";
import { type OwnUnit, registerUnit, runScenario, UserError } from "../../src/library/index.ts";

const GUEST = {
  kind: "uniform",
  pages: 200,
  writeFraction: 0.5,
  gap: 1000,
  accesses: 4000,
} as const;

function run(technique: string, logEntries: number) {
  const scenario = {
    name: "own unit",
    machine: { logEntries },
    vms: [{ memory: "1MiB", paging: "off", workload: GUEST }],
    operation: { kind: "measure", harvest: "300us" },
  } as const;
  // The types know the techniques that are built in.
  return runScenario(scenario, { set: { "tracker.technique": technique } });
}

describe("a unit that finds written pages", () => {
  it("loses none: what a full log has not taken the flags know", async () => {
    registerUnit({ name: "quietLog", finds: "written" });
    const [long, short, pml] = await Promise.all([
      run("quietLog", 4096),
      run("quietLog", 8),
      run("pml", 8),
    ]);
    expect(long.missedGpas).toBe(0);
    expect(short.missedGpas).toBeGreaterThan(100);
    expect(pml.exits[62]).toBeGreaterThan(10);
    for (const { exits, reported, harvests } of [long, short]) {
      expect(exits[62]).toBeUndefined();
      expect(reported).toEqual(pml.reported);
      expect(harvests.every(({ lostPages }) => lostPages === 0)).toBe(true);
    }
  });
});

describe("a unit that finds touched pages", () => {
  it("logs the misses that it wants; the others count as dropped, not as lost", async () => {
    registerUnit({ name: "everyFourth", finds: "touched", logs: (_, misses) => misses % 4 === 0 });
    registerUnit({ name: "everyMiss", finds: "touched" });
    const [some, all] = await Promise.all([run("everyFourth", 4096), run("everyMiss", 4096)]);
    expect(all.missedGpas).toBe(0);
    // When the harvests come depends on what the log costs, and how often pages are missed on when they come.
    const share = some.logEntries / (some.logEntries + some.missedGpas);
    expect(share).toBeGreaterThan(0.24);
    expect(share).toBeLessThan(0.26);
    expect(some.harvests.every(({ lostPages }) => lostPages === 0)).toBe(true);
  });

  it("is refused when it answers neither yes nor no", async () => {
    const logs = () => 1 as unknown as boolean;
    registerUnit({ name: "undecided", finds: "touched", logs });
    await expect(run("undecided", 8)).rejects.toThrow('unit "undecided": logs: expected true or');
  });
});

describe("registerUnit", () => {
  const right = { name: "fine", finds: "written" } as const;
  it.each([
    [{ name: "two words" }, 'unit "two words": expected letters, digits, - and _'],
    [{ name: "pml" }, 'unit "pml": there is a tracker of this name already'],
    [{ name: "none" }, 'unit "none": there is a tracker of this name already'],
    [{ finds: "read" }, 'unit "fine": finds: expected written or touched'],
    [{ entriesMax: 0 }, 'unit "fine": entriesMax: expected a whole number from 1 to 65536'],
    [{ logs: true, finds: "touched" }, 'unit "fine": logs: expected a function'],
    [{ logs: () => true }, 'unit "fine": logs: goes with finds touched'],
    [{ log: () => true }, 'unit "fine": unknown field "log"'],
  ])("refuses %o", (wrong, message) => {
    const own = { ...right, ...wrong } as unknown as OwnUnit;
    expect(() => registerUnit(own)).toThrow(UserError);
    expect(() => registerUnit(own)).toThrow(message);
  });

  it("refuses a log that is longer than the unit can have, by the field", async () => {
    registerUnit({ name: "shortLog", finds: "written", entriesMax: 16 });
    await expect(run("shortLog", 17)).rejects.toThrow(/machine.logEntries: expected at most 16/);
    expect((await run("shortLog", 16)).logEntries).toBeGreaterThan(0);
  });
});
