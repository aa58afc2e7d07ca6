/**
 * Writers that are no vCPUs: what a device writes by DMA comes to every tracker, and to the destination of a migration.
 * Who marks it does so after the write; a VM stops for good when its devices have; and what nobody knows is refused.
 */
import { describe, expect, it } from "vitest";
import { ioDeviceMachine } from "../../machines/ioDevice.ts";
import { FieldError } from "../../src/errors.ts";
import { TECHNIQUES } from "../../src/hypervisor/techniques/all.ts";
import type { Delivery } from "../../src/interconnect/messages.ts";
import { contextOf } from "../../src/system/actorContexts.ts";
import { buildSystem, planScenario } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import { faultySystem, MIGRATION } from "./faultySystem.ts";

const DISK = { name: "disk0", rate: "400MiB/s", order: "random", latency: "30us" };
const TRACKED = TECHNIQUES.filter((name) => name !== "none");
const FIND_WRITES = [
  "writeProtect",
  "pml",
  "accessedDirtyScan",
  "dirtyRing",
  "amdPml",
  "hdbss",
] as const;

interface Fields {
  readonly technique?: string;
  readonly device?: object;
  readonly memory?: string;
  readonly operation?: object;
}

function scenarioOf({ technique = "pml", device = DISK, memory, operation }: Fields) {
  return scenarioSchema.parse({
    name: "a VM with a disk",
    vms: [
      {
        ...(memory === undefined ? {} : { memory }),
        workload: { kind: "uniform", pages: 400, writeFraction: 0.3, gap: 800, accesses: 3000 },
        devices: [device],
      },
    ],
    tracker: { technique },
    operation: operation ?? { kind: "measure", harvest: "200us" },
  });
}

describe.each(TRACKED)("%s", (technique) => {
  it.each([DISK, { ...DISK, tracking: "vhost" }])(
    "finds what a disk writes, in every round",
    (device) => {
      const system = buildSystem(scenarioOf({ technique, device }));
      system.run();
      const { failures, devices, truth, reported, harvests } = summarize(system);
      expect(failures).toEqual([]);
      expect(harvests[0]!.harvests).toBeGreaterThan(1);
      expect(devices![0]!.pagesWritten).toBeGreaterThan(50);
      // The last harvest comes when all is marked.
      expect(devices![0]!.pagesMarked).toBe(devices![0]!.pagesWritten);
      if (reported.pagesWritten !== null) expect(reported.pagesWritten).toBe(truth.pagesWritten);
    },
  );
});

describe("the order of things", () => {
  it("a device writes on while its VM is paused for a harvest, and not when it has stopped for good", () => {
    const device = { ...DISK, rate: "2GiB/s" };
    const system = buildSystem(scenarioOf({ device, operation: MIGRATION }));
    const seen: Delivery[] = [];
    system.interconnect.delivered.subscribe((one) => seen.push(one));
    system.run();
    const at = (type: string, from = 0): number =>
      seen.findIndex(({ message }, i) => i >= from && message.type === type);
    const drained = at("deviceDrained");
    const dma = (from: number, end: number): number =>
      seen.slice(from, end).filter(({ message }) => message.type === "dmaDue").length;
    expect(dma(at("vmPaused"), at("unpauseVm"))).toBeGreaterThan(0);
    expect(dma(drained, at("unpauseVm", drained))).toBeLessThanOrEqual(1);
    expect(summarize(system).operation).toMatchObject({ verified: true });
  });
});

describe.each(FIND_WRITES)("a migration under %s", (technique) => {
  it.each([
    DISK,
    { ...DISK, tracking: "vhost" },
    { ...DISK, latency: undefined, tracking: "iommu" },
    { ...DISK, latency: undefined, tracking: "allDirty" },
  ])("loses nothing of what the disk writes: $tracking", (device) => {
    const system = buildSystem(scenarioOf({ technique, device, operation: MIGRATION }));
    system.run();
    const { failures, operation } = summarize(system);
    expect(failures).toEqual([]);
    expect(operation).toMatchObject({ verified: true });
  });
});

describe("every operation", () => {
  const estimator = { kind: "prl", tau: 2, mu: "1ms", omega: "3ms" };
  const times = ["1ms", "2ms"];

  it.each([
    { kind: "checkpoint", mode: "stop", times },
    { kind: "checkpoint", mode: "live", epoch: "1ms" },
    { kind: "checkpoint", mode: "diff", times },
    { kind: "estimate", estimator },
    { kind: "session" },
    { kind: "measure", harvest: "200us", live: true },
  ])("$kind $mode loses nothing of what the disk writes", (operation) => {
    const technique = operation.kind === "estimate" ? "prl" : "pml";
    const scenario = { ...scenarioOf({ technique, operation }), until: 24e6 };
    const system = buildSystem(scenario);
    system.run();
    const { failures, devices, complete } = summarize(system);
    expect(failures).toEqual([]);
    expect(complete).toBe(true);
    expect(devices![0]!.pagesWritten).toBeGreaterThan(50);
  });
});

it("a run that was saved while writes are in flight goes on as it did", () => {
  const scenario = scenarioOf({ operation: MIGRATION });
  const [system, other] = [buildSystem(scenario), buildSystem(scenario)];
  const device = system.actor("vm0/device0");
  const isInFlight = (): boolean => contextOf(device, ioDeviceMachine).unmarked > 1;
  while (!isInFlight()) system.step();
  other.restore(system.save());
  system.run();
  other.run();
  expect(other.digests()).toEqual(system.digests());
});

describe("what goes wrong is told", () => {
  const iommu = { ...DISK, latency: undefined, tracking: "iommu", mapping: "use" };

  it.each([
    // Mark, harvest, write: nobody learns of the write. In the other order the second harvest has it.
    ["marked-before-written", "pml", DISK],
    ["dma-never-marked", "writeProtect", DISK],
    ["dma-beside-every-ring", "dirtyRing", DISK],
    ["used-ring-not-logged", "pml", { ...DISK, tracking: "vhost" }],
    ["used-ring-not-logged", "dirtyRing", { ...DISK, tracking: "vhost" }],
    ["iotlb-not-flushed", "pml", iommu],
    // An address that is mapped when tracking has begun.
    ["mapped-later-not-noted", "pml", iommu],
  ] as const)("%s", (name, technique, device) => {
    const slow = { kind: "measure", harvest: "20us" };
    const system = faultySystem(scenarioOf({ technique, device, operation: slow }), name);
    system.run();
    expect(summarize(system).failures.join()).toContain("lost");
  });

  it("a VM that is suspended while its disk writes on is another one at the destination", () => {
    const fast = { ...DISK, rate: "2GiB/s" };
    const system = faultySystem(
      scenarioOf({ device: fast, operation: MIGRATION }),
      "stopped-without-devices",
    );
    system.run();
    expect(summarize(system).operation).toMatchObject({ verified: false });
  });
});

describe("a device that nobody tracks", () => {
  it("dirties all that it can reach at each harvest, so that a policy by what is left never stops (QEMU, VFIO)", () => {
    const device = { rate: "1MiB/s", tracking: "allDirty" };
    const policy = { kind: "qemu", downtimeLimit: "100ms", maxRounds: 2 };
    const operation = { ...MIGRATION, policy };
    const system = buildSystem(scenarioOf({ device, memory: "1GiB", operation }));
    system.run();
    const { operation: result } = summarize(system);
    const { rounds } = result as unknown as { rounds: readonly { dirtyAfter: number }[] };
    for (const { dirtyAfter } of rounds) expect(dirtyAfter).toBeGreaterThanOrEqual(262_144);
    expect(rounds).toHaveLength(2);
    expect(result).toMatchObject({ outcome: "did-not-converge" });
  });

  it("keeps its VM from being tracked, by name (Xen)", () => {
    const device = { rate: "1MiB/s", tracking: "none" };
    expect(() => planScenario(scenarioOf({ device, operation: MIGRATION }))).toThrow(
      /vms\[0\]\.devices\[0\]\.tracking: nobody knows what the device writes.*EINVAL.*expected vmm, vhost, iommu or allDirty/,
    );
    expect(() => planScenario(scenarioOf({ device, operation: { kind: "session" } }))).toThrow(
      FieldError,
    );
    const stop = { kind: "checkpoint", mode: "stop", times: ["1ms"] };
    expect(() => planScenario(scenarioOf({ device, operation: stop }))).not.toThrow();
  });
});

it.each([
  [{ rate: "1MiB/s", region: { size: "64MiB" } }, "its region ends at page 16384"],
  [{ rate: "1MiB/s", request: "64KiB", region: { size: "8KiB" } }, "a request of 16 pages"],
  [{ rate: "1MiB/s", iotlbFlush: "1us" }, 'is not read with tracking "vmm": expected iommu'],
  [{ rate: "1MiB/s", tracking: "iommu", depth: 1 }, "expected vmm or vhost"],
  [{ rate: "1MiB/s", usedRing: "64KiB" }, 'is not read with tracking "vmm": expected vhost'],
  [{ rate: "1MiB/s", tracking: "vhost", usedRing: "1GiB" }, "page 262144"],
])("refuses %j", (device, text) => {
  expect(() => planScenario(scenarioOf({ device }))).toThrow(text);
});
