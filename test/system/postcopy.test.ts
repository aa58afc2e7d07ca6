/** QEMU's post-copy: the guest runs at the destination, waits for what has not come, and finds all that it wrote. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findLeaf } from "../../src/hardware/ept.ts";
import { markDirty } from "../../src/hypervisor/dirtyBitmap.ts";
import { copyPage, Destination } from "../../src/hypervisor/migration/destination.ts";
import {
  beginWait,
  endWaits,
  type Moving,
  PostcopyHosts,
  packageBytes,
  placePage,
  reloadBitmap,
  reportReceived,
  requestPage,
  switchOver,
  takeNext,
} from "../../src/hypervisor/migration/postcopy.ts";
import { quotaOfWindow, windowAfter, windowRest } from "../../src/hypervisor/migration/quota.ts";
import {
  clearQueue,
  queued,
  queueMapped,
  SendQueue,
} from "../../src/hypervisor/migration/sendQueue.ts";
import { buildSystem } from "../../src/system/build.ts";
import { operatorSideOf } from "../../src/system/operations/all.ts";
import { resolveScenario } from "../../src/system/scenario/resolve.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import {
  anyMigration,
  buildMigration,
  type MigrationRecipe,
  resultOf,
  TO_THE_END,
  versionsOf,
  writesOf,
} from "./migrationSystems.ts";
import { drive } from "./smallSystems.ts";

/** A VM of eight pages, of which all have been sent, and some are dirty. */
function moving(dirty: readonly number[]): Moving {
  const scenario = scenarioSchema.parse({
    name: "eight pages",
    vms: [{ paging: "off", workload: { kind: "sequential", pages: 8 } }],
    tracker: { technique: "pml" },
    operation: { kind: "migrate" },
  });
  const { world } = buildSystem(scenario);
  const [vm] = world.vms;
  const queue = new SendQueue("queue", vm!.guest.pages);
  const destination = new Destination(
    "destination",
    vm!.guest.pages,
    null,
    world.memory.frameWords,
  );
  const hosts = new PostcopyHosts(vm!.guest.pages, 2, null, world.memory.frameWords);
  queueMapped(queue, vm!.tracked);
  for (let page = 0; page < 8; page++) copyPage(vm!, destination, page);
  clearQueue(queue);
  for (const page of dirty) markDirty(queue.marks, page);
  vm!.guest.versions.fill(7);
  return { vm: vm!, hosts, queue, destination };
}

describe("the switch", () => {
  it("discards what is dirty, and nothing else: those pages are not there", () => {
    const all = moving([2, 3, 6]);
    expect(packageBytes(all.queue)).toBe(2 * 16);
    expect(switchOver(all)).toBe(3);
    const mapped = [...Array(8).keys()].filter((page) => findLeaf(all.vm.ept, page) !== null);
    expect(mapped).toEqual([0, 1, 4, 5, 7]);
    // What is not dirty was sent when it was 0, and is what the guest has there.
    expect([...all.vm.guest.versions]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(all.hosts.source.versions.every((version) => version === 7)).toBe(true);
  });
});

describe("case 241", () => {
  it("a page requested twice before it comes is sent once", () => {
    const all = moving([1, 4, 5]);
    switchOver(all);
    expect(requestPage(all, 5)).toBe(true);
    expect(requestPage(all, 5)).toBe(false);
    expect(takeNext(all)).toBe(5);
    expect(requestPage(all, 5)).toBe(false);
    // The walk goes on behind it, and round.
    expect([takeNext(all), takeNext(all), takeNext(all)]).toEqual([1, 4, -1]);
  });

  it("after a link has failed what came is not sent again, and what was on its way is", () => {
    const all = moving([1, 4, 5]);
    switchOver(all);
    placePage(all, takeNext(all));
    all.hosts.flight.push(takeNext(all));
    reportReceived(all);
    reloadBitmap(all);
    expect(all.hosts.flight.count).toBe(0);
    expect(queued(all.queue)).toBe(2);
    expect([takeNext(all), takeNext(all)].sort()).toEqual([4, 5]);
  });
});

it("a page that is there already is left as the guest has it (UFFDIO_COPY: EEXIST)", () => {
  const all = moving([3]);
  switchOver(all);
  expect(placePage(all, 3)).toBe(true);
  expect(all.vm.guest.versions[3]).toBe(7);
  all.vm.guest.versions[3] = 9;
  expect(placePage(all, 3)).toBe(false);
  expect(all.vm.guest.versions[3]).toBe(9);
});

it("vCPUs that wait for one page request it once, and are woken together", () => {
  const { hosts } = moving([]);
  expect(beginWait(hosts, 0, 4, 100)).toBe(true);
  expect(beginWait(hosts, 1, 4, 150)).toBe(false);
  expect(endWaits(hosts, 4, 400)).toEqual([0, 1]);
  expect([...hosts.tallies.subarray(1, 3)]).toEqual([550, 300]);
});

it("the limit is one of 100 ms, and requested pages are in none of its windows", () => {
  const begun = windowAfter({ windowStart: 0, windowBytes: 0 }, 4104, 0);
  expect(quotaOfWindow(81_920, begun, 100)).toBe(1);
  expect(windowRest(81_920, begun, 1000)).toBe(0);
  const used = windowAfter(begun, 4104, 1000);
  expect(windowRest(81_920, used, 1_000_000)).toBe(240_000_000 - 1_000_000);
  expect(windowAfter(used, 10, 240_000_000)).toEqual({ windowStart: 240_000_000, windowBytes: 10 });
});

const RUNS = 60;

const anyPostcopy: fc.Arbitrary<MigrationRecipe> = fc
  .record({
    migration: anyMigration,
    rounds: fc.integer({ min: 0, max: 2 }),
    preempt: fc.boolean(),
    limit: fc.constantFrom(undefined, 1e8),
    failAfter: fc.oneof(fc.constant(null), fc.nat(300_000), fc.nat(3_000_000)),
  })
  .map(({ migration, rounds, preempt, limit, failAfter }) => ({
    ...migration,
    policy: "qemu" as const,
    postcopy: { rounds, preempt, ...(limit === undefined ? {} : { maxBandwidth: limit }) },
    failAfter,
    ...(failAfter === null ? {} : { recoverAfter: 5000 }),
    settle: TO_THE_END,
  }));

it("whenever it begins, and whenever a link fails, no program is disturbed and every page comes once", () => {
  const seen = { faults: 0, linksLost: 0, completed: 0 };
  fc.assert(
    fc.property(anyPostcopy, (migration) => {
      const system = buildMigration(migration);
      drive(system, () => {});
      migration.recipe.vms.forEach((_, vm) => {
        expect(versionsOf(system, vm)).toEqual(writesOf(migration.recipe, vm));
      });
      const { outcome, verified, postcopy, failures } = resultOf(system);
      if (outcome !== "completed") {
        // The link failed before the switch.
        expect(outcome).toBe("failed");
        return;
      }
      expect([verified, failures]).toEqual([true, []]);
      seen.completed++;
      seen.faults += postcopy!.faults;
      seen.linksLost += postcopy!.linksLost;
      if (postcopy!.startTime === null) return;
      expect(postcopy!.missing).toBe(0);
      expect(postcopy!.pagesSent).toBeGreaterThanOrEqual(postcopy!.discarded);
      if (postcopy!.linksLost === 0) expect(postcopy!.pagesSent).toBe(postcopy!.discarded);
    }),
    { numRuns: RUNS },
  );
  expect(seen.completed).toBeGreaterThan(RUNS / 3);
  expect(seen.faults).toBeGreaterThan(RUNS / 3);
  expect(seen.linksLost).toBeGreaterThan(1);
});

function scenario(operation: object, vm: object = {}): string[] {
  const parsed = scenarioSchema.parse({
    name: "post-copy",
    vms: [{ workload: { kind: "sequential", pages: 64 }, ...vm }],
    tracker: { technique: "pml" },
    operation,
  });
  try {
    resolveScenario(parsed);
    return [];
  } catch (error) {
    return (error as { problems: { message: string }[] }).problems.map(({ message }) => message);
  }
}

describe("what does not go with it is refused by name", () => {
  const policy = { kind: "qemu", postcopy: { rounds: 1 } };

  it.each([
    [{ kind: "migrate", policy, repeat: {} }, {}, "operation.repeat"],
    [{ kind: "migrate", policy, link: { recoverAfter: "1s" } }, {}, "operation.link.failAfter"],
    [
      { kind: "migrate", link: { failAfter: "1s", recoverAfter: "1s" } },
      {},
      "operation.policy.postcopy",
    ],
    [
      {
        kind: "migrate",
        abortAfter: "2ms",
        policy: { kind: "qemu", postcopy: { after: "1ms" } },
      },
      {},
      "operation.abortAfter",
    ],
    [{ kind: "migrate", policy }, { devices: [{ rate: "1Gbit/s" }] }, "the devices"],
  ])("%j with %j: %s", (operation, vm, what) => {
    expect(scenario(operation, vm).join("\n")).toContain(what);
  });
});

it("the operator begins it, and gives it another link; he cannot cancel it", () => {
  const system = buildSystem(
    scenarioSchema.parse({
      name: "by hand",
      vms: [
        {
          paging: "off",
          workload: { kind: "uniform", pages: 400, writeFraction: 0.9, gap: 40_000 },
        },
      ],
      tracker: { technique: "writeProtect" },
      operation: {
        kind: "migrate",
        link: { bandwidth: "120MiB/s", failAfter: "5ms" },
        policy: { kind: "qemu", postcopy: {} },
        batch: 4,
      },
    }),
  );
  const toolstack = system.actor("toolstack");
  const give = (what: "start" | "end"): string => {
    const { side, view } = operatorSideOf(system);
    const answer = what === "start" ? side.start(view, "") : side.end(view);
    if ("refusal" in answer) return answer.refusal;
    system.command("toolstack", answer.message);
    return answer.said;
  };
  const until = (...states: readonly string[]): void => {
    for (let n = 0; !states.includes(toolstack.value); n++) {
      if (n > 100_000) throw new Error(`it does not come to ${states.join()}: ${toolstack.value}`);
      system.step();
    }
  };
  until("sending");
  expect(give("start")).toContain("goes on as post-copy");
  until("postcopy");
  expect(give("end")).toContain("the guest is at the destination");
  until("paused");
  expect(resultOf(system).outcome).toBe("paused");
  expect(give("start")).toContain("another link");
  until("done", "settling");
  expect(resultOf(system)).toMatchObject({ outcome: "completed", verified: true });
});
