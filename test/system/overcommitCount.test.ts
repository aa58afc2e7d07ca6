/** The numbers of one small overcommitted VM, counted anew from its list of accesses; and runs that repeat. */
import { describe, expect, it } from "vitest";
import { DEFAULT_HYPERVISOR_COSTS } from "../../src/hypervisor/costs.ts";
import { buildSystem, referenceScenario } from "../../src/system/build.ts";
import {
  compareWith,
  type OvercommitResult,
} from "../../src/system/operations/overcommit/overcommitResult.ts";
import { type Scenario, scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { createWorkload, workloadSchema } from "../../workloads/workloadKinds.ts";

const PAGES = 12;
const FRAMES = 7;
const LATENCY = 240_000;
const TRANSFER = 24_000;

function scenario(workload: object, fields: object = {}): Scenario {
  return scenarioSchema.parse({
    name: "count",
    vms: [{ name: "vm", memory: `${PAGES * 4}KiB`, workload }],
    operation: {
      kind: "overcommit",
      memory: `${FRAMES * 4}KiB`,
      estimator: { kind: "truth", interval: "1s" },
      // 4096 bytes in 24,000 cycles, which are 10 us.
      swap: { batch: 1, latency: `${LATENCY} cycles`, bandwidth: "390.625MiB/s" },
      ...fields,
    },
  });
}

function run(config: Scenario): OvercommitResult {
  const system = buildSystem(config);
  system.run();
  expect(system.done).toBe(true);
  return system.result() as OvercommitResult;
}

/** Free pages first, from the last down; then second chance, the hand going up. */
function simulate(accesses: readonly { readonly page: number; readonly write: boolean }[]) {
  const { violationHandler, protectPage, invept, zeroPage, pageIn, guestFault } =
    DEFAULT_HYPERVISOR_COSTS;
  const held = new Set(Array.from({ length: FRAMES }, (_, page) => page));
  const [used, accessed, dirty] = [new Set<number>(), new Set<number>(), new Set<number>()];
  const count = { firstTouches: 0, refaults: 0, wait: 0 };
  let hand = 0;
  const secondChance = (): number => {
    for (;;) {
      const page = hand;
      hand = (hand + 1) % PAGES;
      if (held.has(page) && !accessed.delete(page)) return page;
    }
  };
  for (const { page, write } of accesses) {
    if (!held.has(page)) {
      const free = [...held].filter((one) => !used.has(one));
      const victim = free.length > 0 ? Math.max(...free) : secondChance();
      held.delete(victim);
      held.add(page);
      count.wait += violationHandler + protectPage + invept;
      if (dirty.has(victim)) count.wait += TRANSFER + LATENCY;
      if (used.has(page)) {
        count.refaults++;
        count.wait += TRANSFER + LATENCY + pageIn + guestFault;
        dirty.delete(page);
      } else {
        count.firstTouches++;
        count.wait += zeroPage;
      }
    }
    used.add(page);
    accessed.add(page);
    if (write) dirty.add(page);
  }
  return count;
}

function accessesOf(workload: object, count: number) {
  const block = new Int32Array(count);
  createWorkload(workloadSchema.parse(workload), "vm/workload0", { seed: 1 }).fill(block);
  return Array.from(block, (word) => ({ page: word >>> 2, write: (word & 1) !== 0 }));
}

describe("the numbers of one VM", () => {
  it.each([
    ["at random", { kind: "uniform", pages: PAGES, writeFraction: 0.4, accesses: 3000 }],
    [
      "mostly hot",
      {
        kind: "hotCold",
        pages: PAGES,
        hotPages: 5,
        hotProbability: 0.9,
        writeFraction: 0.2,
        accesses: 3000,
      },
    ],
    ["in passes, so that every access misses", { kind: "sequential", pages: PAGES, passes: 50 }],
  ])(
    "%s: refaults and waiting are those of a count from the list of accesses",
    (_name, workload) => {
      const expected = simulate(
        accessesOf(workload, 3000).slice(0, workload.kind === "sequential" ? 50 * PAGES : 3000),
      );
      const [vm] = run(scenario(workload)).vms;
      expect(vm!.guestRefaults).toBe(expected.refaults);
      expect(vm!.firstTouches).toBe(expected.firstTouches);
      expect(vm!.hostRefaults).toBe(0);
      expect(vm!.waitCycles).toBe(expected.wait);
      expect(vm!.slowdown).toBe(1 + expected.wait / vm!.runCycles);
      expect(expected.refaults).toBeGreaterThan(100);
    },
  );

  it("with enough memory nothing is taken, and the comparison says what the lack of it cost", () => {
    const workload = { kind: "uniform", pages: PAGES, writeFraction: 0.4, accesses: 3000 };
    const small = scenario(workload);
    const result = run(small);
    const enough = run(referenceScenario(small, buildSystem(small))!);
    expect(enough.vms[0]).toMatchObject({ guestRefaults: 0, hostRefaults: 0, waitCycles: 0 });
    const compared = compareWith(enough, result).vms[0]!;
    expect(compared.relativeThroughput).toBeCloseTo(
      enough.vms[0]!.elapsed / result.vms[0]!.elapsed,
      12,
    );
    expect(compared.relativeThroughput).toBeLessThan(0.1);
  });
});

describe("a run on an overcommitted host", () => {
  const several = scenarioSchema.parse({
    name: "several",
    machine: { cpus: 2, timeslice: "200us" },
    vms: [
      {
        name: "a",
        memory: "1MiB",
        pageSize: "2M",
        vcpus: 2,
        workload: { kind: "zipf", pages: 256, exponent: 0.8, writeFraction: 0.3, gap: 500 },
      },
      {
        name: "b",
        memory: "4MiB",
        pageSize: "2M",
        workload: {
          kind: "hotCold",
          pages: 1024,
          hotPages: 300,
          hotProbability: 0.98,
          writeFraction: 0.3,
          gap: 500,
        },
      },
    ],
    operation: {
      kind: "overcommit",
      memory: "3MiB",
      estimator: { kind: "vmware", period: "2ms", samples: 50 },
      interval: "3ms",
      scale: { b: 0.4 },
    },
    until: "40ms",
  });

  it("is the same from the middle on when it is saved and restored into another system", () => {
    const whole = buildSystem(several);
    whole.run();
    const first = buildSystem(several);
    first.run(Math.floor(whole.interconnect.sequence / 2));
    const second = buildSystem(several);
    second.restore(first.save());
    second.run();
    expect(second.digests()).toEqual(whole.digests());
    expect(second.result()).toEqual(whole.result());
  });

  it("never uses more frames than the host has, and large leaves are split where a page is taken", () => {
    const result = run(several);
    const [a, b] = result.vms;
    expect(result.mostFrames).toBeLessThanOrEqual(768);
    expect(a!.guestRefaults + b!.guestRefaults + a!.hostRefaults + b!.hostRefaults).toBeGreaterThan(
      50,
    );
  });
});
