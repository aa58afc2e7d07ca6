/** A run that can go no further says who waits for what; no run that goes on is taken for one. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { balloonMachine } from "../../machines/balloon.ts";
import { dispatcherMachine } from "../../machines/dispatcher.ts";
import { estimatorMachine } from "../../machines/estimator.ts";
import { mmuMachine } from "../../machines/mmu.ts";
import { operatorMachine } from "../../machines/operator.ts";
import { pagerMachine } from "../../machines/pager.ts";
import { pvmCpuMachine } from "../../machines/pvmCpu.ts";
import { samplerMachine } from "../../machines/sampler.ts";
import { schedulerMachine } from "../../machines/scheduler.ts";
import { throttleMachine } from "../../machines/throttle.ts";
import { trackerMachine } from "../../machines/tracker.ts";
import { UNIT_STATECHARTS } from "../../machines/units/all.ts";
import { vcpuMachine } from "../../machines/vcpu.ts";
import { BrokenRun, runPoint } from "../../src/experiments/runPoint.ts";
import type { MessageType } from "../../src/interconnect/messages.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import type { System } from "../../src/system/system.ts";
import { ProgressWatch } from "../../src/system/verdict/progressWatch.ts";
import { AT_REST, standstillOf } from "../../src/system/verdict/standstill.ts";
import { brokenPromises, failuresOf } from "../../src/system/verdict/verdict.ts";
import { anyRecipe, build, stepper } from "./smallSystems.ts";

function systemOf(fields: object = {}): System {
  const workload = { kind: "uniform", pages: 300, writeFraction: 0.5, gap: 400 };
  const scenario = scenarioSchema.parse({
    name: "standstill",
    vms: [{ workload: { ...workload, accesses: 20_000 } }],
    ...fields,
  });
  return buildSystem(scenario);
}

/** Runs until a message of this type is under way, and takes it away: nobody will ever get it. */
function lose(system: System, type: MessageType): void {
  for (;;) {
    const found = system.interconnect.pending().find(({ message }) => message.type === type);
    if (found !== undefined) {
      system.intervene({ kind: "skip", sequence: found.sequence });
      return;
    }
    if (!system.step()) throw new Error(`no ${type} is ever sent`);
  }
}

describe("a run that can go no further", () => {
  it("says which actors wait, in which states, and for what", () => {
    const system = systemOf();
    lose(system, "vmExit");
    system.run();
    expect(system.done).toBe(false);
    const { standstill, complete, failures } = summarize(system);
    expect(complete).toBe(false);
    expect(standstill).toEqual({
      waiting: [
        { actor: "toolstack", state: "running", waitsFor: ["harvestDue", "deadline", "vmHalted"] },
        {
          actor: "pcpu0/dispatcher",
          state: "guest",
          waitsFor: ["inveptRequest", "preempt", "vmExit", "entryFailed"],
        },
        { actor: "vcpu0", state: "root", waitsFor: ["resume", "deschedule"] },
      ],
      held: [],
    });
    expect(failures).toEqual([
      "the run can go no further: toolstack (running) waits for harvestDue, deadline or vmHalted; " +
        "pcpu0/dispatcher (guest) waits for inveptRequest, preempt, vmExit or entryFailed; " +
        "vcpu0 (root) waits for resume or deschedule",
    ]);
  });

  it("names who has paused a VM, and which vCPUs are held", () => {
    const system = systemOf({ operation: { kind: "measure", harvest: "1ms" } });
    lose(system, "vmPaused");
    system.command("scheduler", { type: "pauseVcpu", vcpu: 0 });
    system.run();
    expect(standstillOf(system)?.held).toEqual([
      "VM vm0 is paused by toolstack",
      "vCPU 0 is held by the operator",
    ]);
  });

  it("is found though a timer goes round for ever that moves nobody", () => {
    const link = { bandwidth: "1Gbit/s" };
    const system = systemOf({ operation: { kind: "migrate", link } });
    lose(system, "batchArrived");
    lose(system, "vmExit");
    const watch = new ProgressWatch(system);
    watch.run();
    const types = system.interconnect.pending().map(({ message }) => message.type);
    expect(types).toEqual(["sampleDue"]);
    expect(watch.standstill?.waiting.map(({ actor }) => actor)).toContain("toolstack");
    expect(failuresOf(system, watch.standstill)[0]).toMatch(
      /^the run can go no further: toolstack \(sending\) waits for .*batchArrived/,
    );
  });

  it("is found at the same message, however the run is cut into pieces", () => {
    const places = [1, 7, 64, 5000, Number.POSITIVE_INFINITY].map((piece) => {
      const system = systemOf({ operation: { kind: "migrate", link: { bandwidth: "1Gbit/s" } } });
      lose(system, "batchArrived");
      lose(system, "vmExit");
      const watch = new ProgressWatch(system);
      while (watch.run(piece) === piece);
      return system.interconnect.sequence;
    });
    expect(new Set(places).size).toBe(1);
  });

  it("leaves a stranded vCPU behind, which is said even if the scenario's time ends the run", () => {
    const system = systemOf({
      operation: { kind: "migrate", link: { bandwidth: "100Mbit/s" } },
      until: "20ms",
    });
    lose(system, "enterGuest");
    system.run();
    expect(system.done).toBe(true);
    expect(brokenPromises(system)).toEqual([
      {
        promise: "the run goes on",
        actor: "vcpu0",
        what: "vCPU 0 of vm0 is stranded: in guest mode, and nothing is under way that could move it on",
      },
    ]);
  });

  it("fails an experiment, with the first thing that was broken", () => {
    const accesses = { accesses: 20_000, gap: 400 };
    const workload = { kind: "uniform", pages: 300, writeFraction: 0.5, ...accesses } as const;
    const operation = { kind: "measure", harvest: "1ms" } as const;
    const scenario = { name: "planted", vms: [{ workload }], operation };
    expect(runPoint(scenario).failures).toEqual([]);
    const planted = () => runPoint({ ...scenario, faults: ["skipInvept"] });
    expect(planted).toThrow(BrokenRun);
    expect(planted).toThrow(/^vm0: round \d+ lost/);
  });
});

describe("a run that goes on", () => {
  it("is never taken for one that does not, at any message", () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const system = build(recipe);
        const step = stepper(system, () => expect(brokenPromises(system)).toEqual([]));
        while (step());
        expect(system.done).toBe(true);
        expect(failuresOf(system)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it("but never lets a guest complete an access is refused: the scenario asks for the impossible", () => {
    const tracker = { technique: "writeProtect" };
    const system = systemOf({ tracker, operation: { kind: "measure", harvest: "1us" } });
    const impossible = /^the guests get nowhere/;
    expect(() => new ProgressWatch(system).run()).toThrow(impossible);
  });
});

it("states of rest are states of their machines", () => {
  const machines = [
    ...[balloonMachine, dispatcherMachine, estimatorMachine, mmuMachine, operatorMachine],
    ...[
      pagerMachine,
      ...UNIT_STATECHARTS.map(({ machine }) => machine),
      pvmCpuMachine,
      samplerMachine,
    ],
    ...[schedulerMachine, throttleMachine, trackerMachine, vcpuMachine],
  ];
  expect(Object.keys(AT_REST).sort()).toEqual(machines.map(({ id }) => id).sort());
  for (const { id, config } of machines) {
    for (const state of AT_REST[id]!) expect(Object.keys(config.states!)).toContain(state);
  }
});
