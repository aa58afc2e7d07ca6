/**
 * What the hypervisor itself writes to a VM's memory comes to every tracker, and to the destination of a migration. It is
 * marked after the write: by the thread of the vCPU that it is for, in that vCPU's ring; by others, in no ring.
 */
import { describe, expect, it } from "vitest";
import { TECHNIQUES } from "../../src/hypervisor/techniques/all.ts";
import type { Delivery } from "../../src/interconnect/messages.ts";
import { buildSystem, planScenario } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import { faultySystem, MIGRATION } from "./faultySystem.ts";

const TRACKED = TECHNIQUES.filter((name) => name !== "none");
const PAGES = 64;
const WRITES = { from: "128KiB", events: "30us", latency: "2us" };

interface Fields {
  readonly technique?: string;
  readonly seed?: number;
  readonly operation?: object;
  readonly writes?: object;
  readonly vm?: object;
  readonly tracker?: object;
}

/** Two vCPUs take turns on one CPU, so that they are loaded often; what they write themselves lies below. */
function scenarioOf({ technique = "pml", operation, writes = WRITES, ...more }: Fields) {
  return scenarioSchema.parse({
    name: "paravirtual",
    seed: more.seed ?? 1,
    machine: { cpus: 1, timeslice: "25us", logEntries: 16 },
    vms: [
      {
        memory: `${4 * PAGES}KiB`,
        vcpus: 2,
        workload: { kind: "uniform", pages: 30, writeFraction: 0.3, gap: 400, accesses: 2000 },
        hypervisorWrites: writes,
        ...more.vm,
      },
    ],
    tracker: { technique, ...more.tracker },
    operation: operation ?? { kind: "measure", harvest: "150us" },
  });
}

describe.each(TRACKED)("%s", (technique) => {
  it.each([false, true])("finds what the hypervisor writes in every round, live: %s", (live) => {
    for (const seed of [1, 2, 3]) {
      const operation = { kind: "measure", harvest: "150us", ...(live ? { live } : {}) };
      const system = buildSystem(scenarioOf({ technique, seed, operation }));
      const loads: Delivery[] = [];
      system.interconnect.delivered.subscribe((one) => {
        if (one.message.type === "pvWritten") loads.push(one);
      });
      system.run();
      const { failures, truth, reported, harvests } = summarize(system);
      expect(failures).toEqual([]);
      expect(harvests[0]!.harvests).toBeGreaterThan(1);
      expect(loads.length).toBeGreaterThan(20);
      if (reported.pagesWritten !== null) expect(reported.pagesWritten).toBe(truth.pagesWritten);
      // Time stolen of two vCPUs, their clock, and the events, beside what the guest writes.
      if (technique === "writeProtect") expect(truth.pagesWritten).toBe(34);
    }
  });
});

it("a ring that the hypervisor's writes have filled is reset before its vCPU enters", () => {
  const tracker = { ring: { entries: 256 } };
  // 64 entries are kept free: at 192 its vCPU waits, which has loaded some 100 times by then.
  const vm = {
    workload: { kind: "uniform", pages: 1, writeFraction: 1, gap: 400, accesses: 90000 },
  };
  const operation = { kind: "measure" };
  const system = buildSystem(scenarioOf({ technique: "dirtyRing", tracker, vm, operation }));
  let reaped = 0;
  system.interconnect.delivered.subscribe(({ message }) => {
    if (message.type === "reapDue") reaped++;
  });
  system.run();
  const { failures, truth, reported } = summarize(system);
  expect(failures).toEqual([]);
  expect(reaped).toBeGreaterThan(1);
  expect(reported.pagesWritten).toBe(truth.pagesWritten);
});

it.each(["writeProtect", "pml", "accessedDirtyScan", "dirtyRing", "amdPml"])(
  "a migration under %s loses nothing of it, and each round has a page of each vCPU",
  (technique) => {
    const system = buildSystem(scenarioOf({ technique, operation: MIGRATION }));
    system.run();
    const { failures, operation } = summarize(system);
    expect(failures).toEqual([]);
    expect(operation).toMatchObject({ verified: true });
  },
);

it("a run that was saved while a vCPU is being loaded goes on as it did", () => {
  const [system, other] = [buildSystem(scenarioOf({})), buildSystem(scenarioOf({}))];
  const isLoading = (): boolean => system.actor("pcpu0/dispatcher").value === "loading";
  for (let loads = 0; loads < 9; ) {
    system.step();
    if (isLoading()) loads++;
  }
  other.restore(system.save());
  system.run();
  other.run();
  expect(other.digests()).toEqual(system.digests());
});

describe("what goes wrong is told", () => {
  const operation = { kind: "measure", harvest: "20us", live: true };

  it.each([
    ["pv-never-marked", "pml"],
    ["pv-never-marked", "writeProtect"],
    ["pv-never-marked", "dirtyRing"],
    // Of events, whose writer no pause holds. Mark, harvest, write: nobody learns of the write.
    ["marked-before-written", "pml"],
    ["marked-before-written", "dirtyRing"],
    // KVM without ring-with-bitmap: a thread that runs no vCPU has nowhere to mark (mark_page_dirty_in_slot).
    ["dma-beside-every-ring", "dirtyRing"],
  ] as const)("%s under %s", (name, technique) => {
    const writes = { ...WRITES, latency: "10us" };
    const system = faultySystem(scenarioOf({ technique, operation, writes }), name);
    system.run();
    expect(summarize(system).failures.join()).toContain("lost");
  });

  it.each(["pv-in-another-ring", "pv-ring-limit-unseen"])("%s: that ring overruns", (name) => {
    const vm = {
      workload: { kind: "uniform", pages: 1, writeFraction: 1, gap: 400, accesses: 90000 },
    };
    const tracker = { ring: { entries: 256 } };
    const fields = { technique: "dirtyRing", tracker, vm, operation: { kind: "measure" } };
    expect(() => faultySystem(scenarioOf(fields), name).run()).toThrow("overruns");
  });
});

it.each([
  [{ from: "252KiB" }, {}, "4 pages from page 63, the VM's memory has 64"],
  [{}, { slots: [{ at: "0", size: "256KiB" }] }, "slots"],
  [{}, { devices: [{ name: "events", rate: "1MiB/s" }] }, 'two devices are called "events"'],
])("refuses %j beside %j", (writes, vm, text) => {
  const asked = { ...WRITES, ...writes };
  expect(() => planScenario(scenarioOf({ writes: asked, vm }))).toThrow(text);
});

it("is refused where frames are taken away", () => {
  const estimator = { kind: "prl", tau: 2, mu: "1ms", omega: "3ms" };
  const operation = { kind: "overcommit", memory: "1MiB", estimator };
  expect(() => planScenario(scenarioOf({ operation }))).toThrow("hypervisorWrites");
});
