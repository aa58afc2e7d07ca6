/**
 * Turns on a CPU, and of a throttle: who waits gets one, and a timer of an earlier turn means nothing, on which the
 * checker's abstraction of turns rests (src/check/hypervisor/channels.ts).
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createActor } from "xstate";
import type { SchedulerContext } from "../../machines/scheduler.ts";
import type { ThrottleContext } from "../../machines/throttle.ts";
import { Counter } from "../../src/hardware/counters.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { type MachineCase, machineCases } from "../interconnect/machineInputs.ts";

const RUNS = 300;

/** Accesses of each VM in 300 ms, all on one CPU with timeslices of 30 ms. */
function accesses(vms: number, harvest: string): number[] {
  const system = buildSystem(
    scenarioSchema.parse({
      name: "one CPU",
      machine: { cpus: 1, timeslice: "30ms" },
      vms: Array.from({ length: vms }, (_, vm) => ({
        name: `vm${vm}`,
        paging: "off" as const,
        workload: { kind: "uniform" as const, pages: 50, gap: 10_000 },
      })),
      tracker: { technique: "writeProtect" },
      operation: { kind: "measure", harvest },
      until: "300ms",
    }),
  );
  system.run();
  return system.world.vcpus.map(({ counters }) => counters.values[Counter.accesses]!);
}

describe("VMs that are paused for harvests more often than a timeslice ends", () => {
  it.each([2, 3])("get the CPU in turn: %i VMs on one CPU", (vms) => {
    const counts = accesses(vms, "5ms");
    const share = counts.reduce((sum, count) => sum + count, 0) / vms;
    for (const count of counts) {
      expect(count).toBeGreaterThan(0.8 * share);
      expect(count).toBeLessThan(1.2 * share);
    }
  });
});

/** Sends random events, and after each of them the timers that `stale` names: none may do anything. */
function expectNothingFrom(
  { machine, input, events }: MachineCase,
  stale: (context: never) => readonly object[],
): void {
  const event = fc
    .tuple(fc.constantFrom(...Object.keys(events)), fc.nat(11))
    .map(([type, n]) => ({ type, ...events[type]!(n) }));
  let asked = 0;
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 40 }), (sequence) => {
      const actor = createActor(machine, { input }).start();
      let emitted = 0;
      actor.on("*", ({ sends }) => {
        emitted += sends === undefined || sends.length > 0 ? 1 : 0;
      });
      for (const one of sequence) {
        actor.send(one);
        const { value, context } = actor.getSnapshot();
        for (const timer of stale(context as never)) {
          const before = emitted;
          actor.send(timer as never);
          expect(actor.getSnapshot()).toMatchObject({ value, context });
          expect(emitted).toBe(before);
          asked++;
        }
      }
    }),
    { numRuns: RUNS },
  );
  expect(asked).toBeGreaterThan(RUNS);
}

describe("a timer of an earlier turn changes nothing, and nobody is told anything", () => {
  it("on a physical CPU", () => {
    expectNothingFrom(machineCases["scheduler"]!, ({ cpus }: SchedulerContext) =>
      cpus.flatMap(({ slice }, pcpu) =>
        Array.from({ length: slice }, (_, earlier) => {
          return { type: "timesliceEnd", pcpu, slice: earlier };
        }),
      ),
    );
  });

  it("of a throttle", () => {
    expectNothingFrom(machineCases["throttle"]!, ({ turn }: ThrottleContext) =>
      Array.from({ length: turn }, (_, earlier) => [
        { type: "throttleSliceEnd", turn: earlier },
        { type: "throttleWake", turn: earlier },
      ]).flat(),
    );
  });
});

/** The checker keeps them in order, too (src/check/hypervisor/channels.ts). */
it("what a disk has written is told in the order in which it was written", () => {
  const guest = (name: string) => ({
    name,
    memory: "400KiB",
    paging: "off" as const,
    workload: { kind: "uniform" as const, pages: 100, writeFraction: 0.5, accesses: 20_000 },
  });
  const system = buildSystem(
    scenarioSchema.parse({
      name: "disk",
      machine: { cpus: 2 },
      vms: [guest("one"), guest("two")],
      operation: {
        kind: "overcommit",
        memory: "360KiB",
        interval: "5ms",
        estimator: { kind: "truth", interval: "1ms" },
        guest: { victims: "random" },
        swap: { batch: 3, latency: "20us" },
        reference: false,
      },
      until: "40ms",
    }),
  );
  const pager = system.actor("pager");
  const waiting = (): number[] =>
    system.interconnect
      .pending()
      .filter(({ to, message }) => to === pager.id && message.type === "pagesWritten")
      .map(({ sequence }) => sequence)
      .sort((one, other) => one - other);
  let before = waiting();
  let several = 0;
  while (system.step()) {
    const now = waiting();
    const left = before.filter((sequence) => !now.includes(sequence));
    if (before.length > 1) several++;
    expect(left.every((sequence) => sequence === before[0])).toBe(true);
    before = now;
  }
  expect(several).toBeGreaterThan(100);
});
