/** A step is held to what it declares: whatever else it writes or reads ends the search, with the word's name. */

import { describe, expect, it } from "vitest";
import { assign, emit } from "xstate";
import { Exploration } from "../../src/check/engine/exploration.ts";
import type { Model } from "../../src/check/engine/model.ts";
import { ModelError } from "../../src/check/engine/modelError.ts";
import { type EstimateModelOptions, estimateModel } from "../../src/check/models/estimate.ts";
import { type MigrationOptions, migrationModel } from "../../src/check/models/migration.ts";
import { type TrackingOptions, trackingModel } from "../../src/check/models/tracking.ts";
import {
  type Asked,
  around,
  type Replacement,
  replaceIn,
  type Whose,
} from "../../src/check/mutations/mutation.ts";
import { Counter } from "../../src/hardware/counters.ts";
import { findLeaf } from "../../src/hardware/ept.ts";
import { EPT_DIRTY } from "../../src/hardware/formats/ept.ts";
import { Field, readField, writeField } from "../../src/hardware/vmcs.ts";
import { addOccurrence } from "../../src/hypervisor/cumulativeBuffer.ts";
import { isMarked, markDirty } from "../../src/hypervisor/dirtyBitmap.ts";
import type { World } from "../../src/system/world.ts";

const SMALL: TrackingOptions = {
  technique: "pml",
  vcpus: [1],
  pages: 2,
  logEntries: 1,
  eptLevels: 1,
  reads: false,
};
const PRL: TrackingOptions = { ...SMALL, technique: "prl", logEntries: 2 };
const PROTECTED: TrackingOptions = { ...SMALL, technique: "writeProtect" };
const TWO_VMS: TrackingOptions = { ...SMALL, vcpus: [1, 1], pages: 1, harvests: false };

/** What the search of a model ends with. */
function errorOf(model: Model): string {
  try {
    new Exploration(model, { keepGoing: true, bounds: { states: 100_000 } }).run();
  } catch (error) {
    expect(error).toBeInstanceOf(ModelError);
    return (error as Error).message;
  }
  return "no error";
}

type Plant = (asked: Asked, perform: () => { type: string }, world: World) => { type: string };

/** After each request of this kind something else is done to memory. */
const alsoDo =
  (op: string, what: (world: World) => void): Plant =>
  (asked, perform, world) => {
    const reply = perform();
    if (asked.op === op) what(world);
    return reply;
  };

/** A request of this kind is only performed if memory says so. */
const onlyIf =
  (op: string, answer: { type: string }, may: (world: World) => boolean): Plant =>
  (asked, perform, world) =>
    asked.op !== op || may(world) ? perform() : { ...answer };

const isDirty = ({ vms: [vm] }: World, page: number): boolean => {
  const { ept } = vm!;
  const leaf = findLeaf(ept, page);
  return leaf !== null && (ept.memory.words[leaf.word]! & EPT_DIRTY) !== 0;
};
const dropLeaf = ({ vms: [vm] }: World): void => {
  const { ept } = vm!;
  const leaf = findLeaf(ept, 0);
  if (leaf !== null) ept.memory.words[leaf.word]! &= ~7;
};

describe("a device that writes what its step does not declare", () => {
  const plants: readonly (readonly [string, TrackingOptions, Whose, Plant, string])[] = [
    [
      "a tracker's handler takes rights from a page's leaf",
      SMALL,
      "tracker",
      alsoDo("serveLogFull", dropLeaf),
      'vm0/tracker, on "logFullExit" (serveLogFull), writes the EPT entry of page 0 of VM 0',
    ],
    [
      "a tracker's handler changes its vCPU's next access",
      PROTECTED,
      "tracker",
      alsoDo("serveViolation", ({ vcpus }) => {
        vcpus[0]!.stream.state[0]! ^= 1;
      }),
      'vm0/tracker, on "eptViolation" (serveViolation), writes the next access of vCPU 0',
    ],
    [
      "a tracker arms, and marks a page of another VM",
      TWO_VMS,
      { kind: "tracker", vm: 0 },
      alsoDo("arm", ({ vms }) => markDirty(vms[1]!.tracked.dirty, 0)),
      'vm0/tracker, on "arm" (arm), writes the dirty bitmap of VM 1, page 0',
    ],
    [
      "an MMU marks a page in the dirty bitmap",
      SMALL,
      "mmu",
      alsoDo("run", ({ vms }) => markDirty(vms[0]!.tracked.dirty, 1)),
      'pcpu0/mmu, on "continueGuest" (run), writes the dirty bitmap of VM 0, page 1',
    ],
    [
      "a dispatcher's INVEPT changes a VMCS",
      SMALL,
      "dispatcher",
      alsoDo("invept", ({ vcpus }) => writeField(vcpus[0]!.vmcs, Field.logIndex, 7)),
      'pcpu0/dispatcher, on "inveptRequest" (invept), writes VMCS field logIndex of vCPU 0',
    ],
    [
      "a dispatcher's INVEPT changes another CPU's TLB",
      TWO_VMS,
      { kind: "dispatcher", pcpu: 0 },
      alsoDo("invept", ({ mmus }) => {
        mmus[1]!.tlb.l1.page[0]! ^= 1;
      }),
      'writes "l1.page" of entry 0 of the TLB of CPU 1',
    ],
    [
      "a dispatcher's INVEPT changes what an MMU has loaded",
      SMALL,
      "dispatcher",
      alsoDo("invept", ({ mmus }) => {
        mmus[0]!.accessedDirty = !mmus[0]!.accessedDirty;
      }),
      'pcpu0/dispatcher, on "inveptRequest" (invept), writes "accessedDirty" of the MMU of CPU 0',
    ],
    [
      "a PRL unit's reload counts a page in the cumulative buffer",
      PRL,
      { unit: "prl" },
      alsoDo("reload", ({ vms }) => addOccurrence(vms[0]!.tracked.buffer, 0)),
      'vcpu0/prl, on "remoteReload" (reload), writes',
    ],
    [
      "the handler on the pVM's CPU takes rights from a page's leaf",
      PRL,
      { kind: "pvmCpu", cpu: 0 },
      alsoDo("drain", dropLeaf),
      'pvm0, on "ipi" (drain), writes the EPT entry of page 0 of VM 0',
    ],
    [
      "the handler on the pVM's CPU changes the ground truth",
      PRL,
      { kind: "pvmCpu", cpu: 0 },
      alsoDo("reset", ({ vms }) => {
        vms[0]!.guest.truth[0]! ^= 8;
      }),
      "writes the ground truth of VM 0, page 1",
    ],
    [
      "a tracker's handler takes a frame of host memory",
      SMALL,
      "tracker",
      alsoDo("serveLogFull", ({ memory }) => memory.allocate()),
      'writes word 0 of "state" of memory',
    ],
    [
      "a tracker arms, and another VM's technique is another one",
      TWO_VMS,
      { kind: "tracker", vm: 0 },
      alsoDo("arm", ({ vms }) => {
        vms[1]!.armed.technique = vms[0]!.armed.technique;
      }),
      "writes the technique armed on VM 1",
    ],
  ];
  it.each(plants)("%s", (_, options, actor, plant, message) => {
    const replace = around(actor, plant);
    expect(errorOf(trackingModel("planted", { ...options, replace }))).toContain(message);
  });

  it("also where the word has that value already, and in operations", () => {
    const sampler: MigrationOptions = { ...SMALL, policy: { kind: "libxc" } };
    const replace = around(
      "toolstack",
      alsoDo("takeBatch", ({ mmus }) => mmus[0]!.tlb.l1.meta.fill(0)),
    );
    expect(errorOf(migrationModel("planted", { ...sampler, replace }))).toContain(
      'writes "l1.meta" of entry',
    );
  });
});

describe("a device that reads what its step does not declare", () => {
  const served = { type: "exitServed", dispatcher: 4, fixed: true, cycles: 1, drainedVcpu: -1 };
  const plants: readonly (readonly [string, TrackingOptions, Whose, Plant, string])[] = [
    [
      "a tracker's handler goes by a page's D flag",
      SMALL,
      "tracker",
      onlyIf("serveLogFull", served, (world) => isDirty(world, 0)),
      'vm0/tracker, on "logFullExit" (serveLogFull), reads the EPT entry of page 0 of VM 0',
    ],
    [
      "a tracker's handler goes by the VMCS",
      PROTECTED,
      "tracker",
      onlyIf("serveViolation", served, ({ vcpus }) => readField(vcpus[0]!.vmcs, Field.vpid) === 1),
      'vm0/tracker, on "eptViolation" (serveViolation), reads VMCS field vpid of vCPU 0',
    ],
    [
      "an MMU goes by the dirty bitmap",
      SMALL,
      "mmu",
      onlyIf("run", { type: "workloadEnded" }, ({ vms }) => !isMarked(vms[0]!.tracked.dirty, 0)),
      'pcpu0/mmu, on "continueGuest" (run), reads the dirty bitmap of VM 0',
    ],
    [
      "a dispatcher goes by the dirty bitmap",
      SMALL,
      "dispatcher",
      onlyIf("invept", { type: "invalidated" }, ({ vms }) => vms[0]!.tracked.dirty.state[0] !== 1),
      "reads how many pages the dirty bitmap of VM 0 has",
    ],
    [
      "a PRL unit goes by the TLB",
      PRL,
      { unit: "prl" },
      onlyIf("reload", { type: "reloaded" }, ({ mmus }) => mmus[0]!.tlb.l1.meta[0] !== 0),
      'vcpu0/prl, on "remoteReload" (reload), reads "l1.meta" of entry 0 of the TLB of CPU 0',
    ],
    [
      "the handler on the pVM's CPU goes by a page's D flag",
      PRL,
      { kind: "pvmCpu", cpu: 0 },
      onlyIf("drain", { type: "indexesReset" }, (world) => isDirty(world, 1)),
      'pvm0, on "ipi" (drain), reads the EPT entry of page 1 of VM 0',
    ],
    [
      "a tracker goes by a counter",
      SMALL,
      "tracker",
      onlyIf(
        "serveLogFull",
        served,
        ({ vcpus }) => vcpus[0]!.counters.values[Counter.accesses]! % 2 === 0,
      ),
      "vm0/tracker, on",
    ],
  ];
  it.each(plants)("%s", (_, options, actor, plant, message) => {
    const replace = around(actor, plant);
    const error = errorOf(trackingModel("planted", { ...options, replace }));
    expect(error).toContain(message);
    expect(error).toContain("which it does not declare");
  });

  it("by something that it keeps for itself, in no memory", () => {
    let served = 0;
    const replace = around("tracker", ({ op }, perform) => {
      if (op !== "serveLogFull" || ++served % 7 !== 0) return perform();
      return { type: "exitServed", dispatcher: 4, fixed: false, cycles: 1, drainedVcpu: -1 };
    });
    expect(errorOf(trackingModel("planted", { ...SMALL, replace }))).toContain("vm0/tracker");
  });

  it("by the time", () => {
    const replace = replaceIn({ helper: "estimator" }, ({ machine, device }) => ({
      machine,
      device: device && {
        perform(request: never) {
          const reply = device.perform(request) as { type: string; time?: number };
          return reply.type === "due" && reply.time! > 0 ? { type: "notDue", wait: 1 } : reply;
        },
        touches: (request: never) => device.touches(request),
      },
    }));
    const options: EstimateModelOptions = { ...PRL, source: "counts", replace };
    const error = errorOf(estimateModel("planted", options));
    expect(error).toMatch(/vm0\/estimator, on "intervalDue" \(look\), (depends on the time|reads)/);
  });
});

it("a device that does not say all that its requests touch is found by what it writes", () => {
  const replace = replaceIn("mmu", ({ machine, device }) => ({
    machine,
    device: device && {
      perform: (request: never) => device.perform(request),
      touches: (request: never) =>
        device.touches(request).filter((name) => !name.endsWith("/truth")),
    },
  }));
  expect(errorOf(trackingModel("planted", { ...SMALL, replace }))).toMatch(
    /pcpu0\/mmu, on "\w+" \(\w+\), writes the ground truth of VM 0, .* which it does not declare/,
  );
});

it.each([
  ["pml", SMALL],
  ["write protection", PROTECTED],
  ["prl", PRL],
] as const)("a dispatcher that says nothing of what it flushes: %s", (_, options) => {
  const replace = replaceIn("dispatcher", ({ machine, device }) => ({
    machine,
    device: device && { perform: (request: never) => device.perform(request), touches: () => [] },
  }));
  expect(errorOf(trackingModel("planted", { ...options, replace }))).toMatch(
    /pcpu0\/dispatcher, on "inveptRequest" \(invept\), writes .* of the TLB of CPU 0/,
  );
});

describe("a machine that goes by what is said to be no state", () => {
  const planted = (options: TrackingOptions, replace: Replacement): string =>
    errorOf(trackingModel("planted", { ...options, replace }));

  it("statistics of its own", () => {
    const replace = replaceIn({ kind: "vcpu", vcpu: 0 }, ({ machine, device }) => ({
      device,
      machine: machine.provide({
        guards: {
          willNotRunAgain: ({ context }: { readonly context: Readonly<Record<string, unknown>> }) =>
            Number(context["exits"]) > 1,
        },
      }),
    }));
    expect(planted(SMALL, replace)).toContain(
      'vcpu0, on "deschedule", depends on "exits" of vcpu0, which is declared not to be state',
    );
  });

  it("statistics in a message", () => {
    const replace = replaceIn("toolstack", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          noteHarvest: assign(({ event }) => ({ halted: Number(event["pagesWritten"]) })),
        },
      }),
    }));
    expect(planted(SMALL, replace)).toContain(
      'toolstack, on "harvested", depends on "pagesWritten" of its message, which is declared not to be state',
    );
  });
});

describe("a wire inside a processor", () => {
  it("may have no message with a delay", () => {
    const replace = replaceIn("tracker", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          sendEnable: emit(({ context }) => {
            const to = (context["units"] as readonly (readonly number[])[])[0]![0]!;
            return { type: "send", to, delay: 90, message: { type: "enableLog" } };
          }),
        },
      }),
    }));
    expect(errorOf(trackingModel("planted", { ...SMALL, replace }))).toBe(
      'planted: message "enableLog" with a delay of 90 cycles on the wire vm0/tracker -> vcpu0/pml, which has none',
    );
  });
});
