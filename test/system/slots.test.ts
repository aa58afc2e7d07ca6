/**
 * Memory slots in scenarios: KVM's rules, a VMM's use of them, and what operations make of it: whatever is made, moved, changed
 * or deleted while vCPUs run, no page is lost.
 */
import { describe, expect, it } from "vitest";
import { restorePart, savePart } from "../../src/hardware/part.ts";
import { buildSystem } from "../../src/system/build.ts";
import { type Scenario, scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { type RunSummary, summarize } from "../../src/system/summary.ts";

const workload = { kind: "uniform", pages: 256, writeFraction: 0.5, gap: 1200, accesses: 10_000 };
/** A gap of 256 KiB between the second and the third. */
const SLOTS = [
  { memory: "256KiB" },
  { memory: "256KiB", log: true },
  { address: "768KiB", memory: "256KiB" },
];

function parse(fields: object, vm: object = {}): Scenario {
  const vms = [{ memory: "1MiB", paging: "off", slots: SLOTS, workload, ...vm }];
  const operation = { kind: "measure", harvest: "1ms" };
  return scenarioSchema.parse({ name: "slots", vms, operation, ...fields });
}

function run(scenario: Scenario): RunSummary {
  const system = buildSystem(scenario);
  system.run();
  return summarize(system);
}

/** Each kind of change, some of them in the middle of a round. */
const CHANGES = [
  { at: "700us", slot: 3, address: "512KiB", memory: "128KiB" },
  { at: "1200us", slot: 0, memory: "0" },
  { at: "1700us", slot: 3, address: "0" },
  { at: "2500us", slot: 1, log: false },
  { at: "2700us", slot: 2, memory: "0" },
  { at: "3100us", slot: 2 },
  { at: "3600us", slot: 1, log: true },
];

const TECHNIQUES = ["writeProtect", "pml"] as const;
const OPERATIONS = {
  measure: { kind: "measure", harvest: "1ms" },
  "measure, live": { kind: "measure", harvest: "1ms", live: true },
  "migrate by libxc": { kind: "migrate", start: "1ms", link: { bandwidth: "1Gbit/s" } },
  "differential checkpoints": {
    kind: "checkpoint",
    mode: "diff",
    times: ["1ms", "2ms", "3ms", "4ms"],
    bandwidth: "400Gbit/s",
  },
  "live checkpoints": { kind: "checkpoint", mode: "live", epoch: "1ms", bandwidth: "400Gbit/s" },
} as const;
const TRACKERS = {
  "GET alone": {},
  "GET and CLEAR": { manualProtect: true },
  "GET and CLEAR, slot by slot": { manualProtect: true, preemptEvery: 1 },
  "GET, slot by slot": { preemptEvery: 1 },
} as const;

describe.each(TECHNIQUES)("under %s", (technique) => {
  describe.each(Object.entries(TRACKERS))("%s", (_name, tracker) => {
    it.each(Object.entries(OPERATIONS))(
      "%s loses no page, whatever changes",
      (_kind, operation) => {
        const { failures, harvests, slots } = run(
          parse(
            { tracker: { technique, ...tracker }, operation, until: "5ms" },
            { slotChanges: CHANGES },
          ),
        );
        expect(failures).toEqual([]);
        expect(harvests[0]).toMatchObject({ technique, lostPages: 0 });
        expect(slots![0]!.changes).toBeGreaterThan(3);
      },
    );
  });
});

describe("a VM with slots", () => {
  it("finds a device where there is none, and goes on", () => {
    const { slots, accesses, complete } = run(parse({ tracker: { technique: "none" } }));
    const [counts] = slots!;
    // A quarter of what a uniform guest asks for lies in the gap.
    expect(counts!.deviceAccesses / 10_000).toBeCloseTo(0.25, 1);
    expect([accesses, complete]).toEqual([10_000 - counts!.deviceAccesses, true]);
  });

  it("has writes to a read-only slot emulated, and its reads done", () => {
    const vm = { slots: [{ memory: "1MiB", readOnly: true }] };
    const { slots, writes } = run(parse({ tracker: { technique: "writeProtect" } }, vm));
    expect([writes, slots![0]!.deviceAccesses > 4000]).toEqual([0, true]);
  });

  it("reports with INITIALLY_SET every page of its slots in the first round, and loses none", () => {
    const { harvests, failures, reported } = run(
      parse({ tracker: { technique: "pml", initiallySet: true } }),
    );
    expect(failures).toEqual([]);
    expect(harvests[0]!.lostPages).toBe(0);
    expect(reported.pagesWritten).toBe(192);
  });

  it("answers as one without where one slot is all of its memory", () => {
    const found = (vm: object) => {
      const { harvests, truth, reported } = run(parse({ tracker: { technique: "pml" } }, vm));
      return [harvests[0]!.harvests, harvests[0]!.lostPages, truth, reported.pagesWritten];
    };
    const one = found({ slots: [{ memory: "1MiB" }] });
    expect(one[1]).toBe(0);
    expect(one[3]).toEqual(found({ slots: undefined })[3]);
  });

  it("goes on from a saved state, in the middle of a change, as it would have", () => {
    const scenario = parse({ tracker: { technique: "pml" } }, { slotChanges: CHANGES });
    const straight = buildSystem(scenario);
    straight.run();
    const first = buildSystem(scenario);
    while (first.actor("vm0/tracker").value !== "changing" && first.step());
    expect(first.actor("vm0/tracker").value).toBe("changing");
    const second = buildSystem(scenario);
    second.restore(first.save());
    second.run();
    expect(second.digests()).toEqual(straight.digests());
  });

  it("has a saved state refused that is of another shape", () => {
    const { slots } = buildSystem(parse({})).world.vms[0]!.tracked;
    const saved = savePart(slots!);
    const forged = { ...saved, arrays: { ...saved.arrays, bits: new Int32Array(1) } };
    expect(() => restorePart(slots!, forged)).toThrow("another shape");
  });

  it("takes a region from outside that KVM refuses as an error, and changes nothing", () => {
    const system = buildSystem(parse({ tracker: { technique: "writeProtect" } }));
    const region = { slot: 7, flags: 0, firstPage: 0, pages: 16, userPage: 0 };
    system.command("vm0/tracker", { type: "setRegion", ...region });
    system.run();
    const { slots, failures } = summarize(system);
    expect(slots).toMatchObject([{ slots: 3, changes: 0, refused: 1 }]);
    expect(system.world.vms[0]!.tracked.slots!.lastError).toBe("EEXIST");
    expect(failures).toEqual([]);
  });
});

describe("a scenario is refused", () => {
  const refused = (vm: object, fields: object = {}): string => {
    try {
      buildSystem(parse(fields, vm));
      return "";
    } catch (error) {
      return error instanceof Error ? error.message : "";
    }
  };
  const change = (...slotChanges: readonly object[]) => ({ slotChanges });

  it.each([
    [{ slots: [{ memory: "256KiB" }, { address: "0", memory: "256KiB" }] }, /slots\[1\]: .*EEXIST/],
    [change({ at: "1ms", slot: 0, address: "768KiB" }), /slotChanges\[0\]: .*EEXIST/],
    [change({ at: "1ms", slot: 0, memory: "512KiB" }), /slotChanges\[0\]: .*EINVAL/],
    [change({ at: "1ms", slot: 0, readOnly: true }), /slotChanges\[0\]: .*EINVAL/],
    [change({ at: "1ms", slot: 9, memory: "0" }), /slotChanges\[0\]: .*EINVAL/],
    [change({ at: "1ms", slot: 9 }), /there is no slot 9 yet/],
    [change({ at: "1ms", slot: 0, log: false }), /it changes nothing/],
    [
      change({ at: "2ms", slot: 0, memory: "0" }, { at: "1ms", slot: 1, log: false }),
      /expected times that ascend/,
    ],
    [{ slots: undefined, slotChanges: [{ at: "1ms", slot: 0 }] }, /it needs the VM's "slots"/],
    [{ paging: "longMode" }, /slots are of guest-physical memory: expected "off"/],
    [{ pageSize: "2M" }, /with slots expected "4K", not "2M"/],
    [
      { memory: "512KiB", workload: { ...workload, pages: 64 } },
      /slots reach to page 256, its memory has 128/,
    ],
  ])("%j", (vm, what) => {
    expect(refused(vm)).toMatch(what);
  });

  it("with a technique that keeps no dirty bitmap, and without slots for CLEAR", () => {
    expect(refused({}, { tracker: { technique: "presentBit" } })).toMatch(/have dirty bitmaps/);
    const fields = { tracker: { technique: "pml", manualProtect: true } };
    expect(refused({ slots: undefined }, fields)).toMatch(/no VM has any/);
  });
});
