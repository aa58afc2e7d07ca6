/** Trackers of users: held to what the built-in ones are held to, and refused by name where they misuse what they are given. */
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type OwnTracker, registerTracker, UserError } from "../../src/library/index.ts";
import { buildSystem } from "../../src/system/build.ts";
import { type RunSummary, summarize } from "../../src/system/summary.ts";
import { keepLaws } from "../laws/runLaws.ts";
import { scenarioOf } from "../laws/samples.ts";

const protectAll: Omit<OwnTracker, "name"> = {
  finds: "written",
  arm(vm) {
    for (let page = 0; page < vm.pages; page++) vm.protect(page);
  },
  rearm(vm) {
    for (let page = 0; page < vm.pages; page++) if (vm.isReported(page)) vm.protect(page);
  },
};

function tracking(technique: string, fields: object = {}, more: object = {}) {
  const operation = { kind: "measure", harvest: "100us" };
  return scenarioOf({ tracker: { technique, ...fields }, operation, ...more });
}

function reportedBy(technique: string, fields?: object, more?: object): RunSummary["reported"] {
  return keepLaws(tracking(technique, fields, more)).reported;
}

describe("a tracker of one's own", () => {
  beforeAll(() => {
    registerTracker({ ...protectAll, name: "protectAll" });
    registerTracker({
      name: "withdrawAll",
      finds: "touched",
      arm(vm) {
        for (let page = 0; page < vm.pages; page++) vm.withdraw(page);
      },
    });
    registerTracker({
      name: "flags",
      finds: "touched",
      usesFlags: true,
      arm(vm) {
        for (let page = 0; page < vm.pages; page++) vm.clearFlags(page);
      },
      collect(vm) {
        for (let page = 0; page < vm.pages; page++) if (vm.isAccessed(page)) vm.report(page);
      },
    });
    registerTracker({
      name: "everyNth",
      finds: "written",
      samples: true,
      words: 1,
      parameters: { every: z.int().min(1).max(100) },
      arm(vm) {
        const every = Number(vm.parameters["every"]);
        const first = (vm.memory[0] ?? 0) % every;
        for (let page = first; page < vm.pages; page += every) vm.protect(page);
        vm.memory[0] = first + 1;
        vm.spend(100);
      },
    });
  });

  it.each([
    ["protectAll", "writeProtect"],
    ["withdrawAll", "presentBit"],
  ])("%s finds what %s finds", (own, builtIn) => {
    expect(reportedBy(own)).toEqual(reportedBy(builtIn));
  });

  it("that reads flags finds what a scan finds", () => {
    const { pagesTouched } = reportedBy("accessedDirtyScan");
    expect(reportedBy("flags").pagesTouched).toBe(pagesTouched);
  });

  it.each(["2M", "4K"])(
    "keeps the laws with leaves of %s, several VMs, and paging of any kind",
    (pageSize) => {
      const workload = { kind: "uniform", pages: 600, writeFraction: 0.5, accesses: 3000 };
      const vms = ["off", "pae", "longMode"].map((paging) => ({ pageSize, paging, workload }));
      for (const technique of ["protectAll", "withdrawAll", "flags"])
        reportedBy(technique, {}, { vms });
    },
  );

  it("that samples owes the pages that it watches, and no others", () => {
    const all = reportedBy("everyNth", { everyNth: { every: 1 } });
    const some = reportedBy("everyNth", { everyNth: { every: 7 } });
    expect(all.pagesWritten).toBe(reportedBy("writeProtect").pagesWritten);
    expect(some.pagesWritten).toBeLessThan(Number(all.pagesWritten));
    expect(some.pagesWritten).toBeGreaterThan(0);
  });

  it("has its fields checked, and needs those without a default", () => {
    expect(() => tracking("everyNth", { everyNth: { every: 0 } })).toThrow("every");
    expect(() => tracking("everyNth", { everyNth: { evry: 3 } })).toThrow("evry");
    expect(() => buildSystem(tracking("everyNth"))).toThrow(
      "tracker.everyNth.every: this tracker needs it",
    );
  });

  it("that samples migrates nothing; one that finds all does", () => {
    const migrate = { operation: { kind: "migrate", start: "100us", settle: "1ms" } };
    const build = (technique: string, fields: object) =>
      buildSystem(tracking(technique, fields, { ...migrate, vms: [{ workload: WRITES }] }));
    expect(() => build("everyNth", { everyNth: { every: 2 } })).toThrow(
      "nothing can be migrated with it",
    );
    const system = build("protectAll", {});
    system.run();
    expect(system.result()).toMatchObject({ kind: "migrate", outcome: "completed", failures: [] });
  });
});

const WRITES = { kind: "uniform", pages: 100, writeFraction: 0.5, gap: 500, accesses: 20_000 };

describe("is refused in one line", () => {
  it.each<readonly [Partial<OwnTracker>, string]>([
    [{ name: "pml" }, 'tracker "pml": there is one of this name already'],
    [{ name: "none" }, 'tracker "none": there is one of this name already'],
    [{ name: "ring" }, 'tracker "ring": there is one of this name already'],
    [{ name: "a b" }, 'tracker "a b": expected letters, digits, - and _'],
    [{ words: -1 }, "words: expected a whole number"],
  ])("one that is registered with %j", (wrong, message) => {
    expect(() => registerTracker({ ...protectAll, name: "wrong", ...wrong })).toThrow(message);
  });

  let kept: Parameters<OwnTracker["arm"]>[0] | null = null;
  it.each<readonly [string, Partial<OwnTracker>, string]>([
    [
      "leavesProtected",
      { onViolation: () => {} },
      "onViolation: page \\d+ is still without the right",
    ],
    ["protectsLate", { onViolation: (vm) => void vm.protect(1) }, "protect: only arm and rearm"],
    [
      "reportsEarly",
      { arm: (vm) => vm.report(0) },
      "arm: report: the new round has seen nothing yet",
    ],
    [
      "goesBeyond",
      { arm: (vm) => void vm.protect(vm.pages) },
      "expected a page from 0 to \\d+, not \\d+",
    ],
    [
      "hasHalfPages",
      { arm: (vm) => void vm.protect(0.5) },
      "expected a page from 0 to \\d+, not 0.5",
    ],
    ["readsFlags", { collect: (vm) => void vm.isDirty(0) }, "a tracker without usesFlags"],
    ["rolls", { arm: () => void Math.random() }, "arm: Math.random is not the same in each run"],
    ["looksAtTheClock", { arm: () => void Date.now() }, "arm: Date.now is not the same"],
    ["waits", { arm: async () => {} }, "arm: expected no promise"],
    ["spendsHalves", { arm: (vm) => vm.spend(0.5) }, "spend: expected a whole number of cycles"],
    ["watchesNothing", { samples: true, arm: () => {} }, "arm: watches no page"],
    [
      "keepsWhatItIsGiven",
      {
        arm: (vm) => {
          kept ??= vm;
          kept.protect(0);
        },
        rearm: () => void kept?.protect(0),
      },
      "protect: the handler has ended",
    ],
    [
      "throws",
      {
        arm: () => {
          throw new Error("too cold");
        },
      },
      "arm: too cold",
    ],
  ])("one that %s", (name, wrong, message) => {
    registerTracker({ ...protectAll, name, ...wrong });
    const run = () => keepLaws(tracking(name));
    expect(run).toThrow(UserError);
    expect(run).toThrow(new RegExp(`^tracker "${name}": .*${message}`));
  });
});

it("one that misses pages makes a run that fails, by its name", () => {
  registerTracker({ ...protectAll, name: "lazy", rearm: () => {} });
  const system = buildSystem(tracking("lazy"));
  system.run();
  expect(summarize(system).failures[0]).toMatch(/lost .* under lazy/);
});
