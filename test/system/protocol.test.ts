/** The rules of the control plane, seen from outside: by the messages and by what guests have done. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DispatcherContext } from "../../machines/dispatcher.ts";
import { Counter } from "../../src/hardware/counters.ts";
import { ExitReason } from "../../src/hardware/exit.ts";
import { clearTruth, wasWritten } from "../../src/hardware/guestPages.ts";
import { Field, readField } from "../../src/hardware/vmcs.ts";
import { isMarked } from "../../src/hypervisor/dirtyBitmap.ts";
import type { TechniqueName } from "../../src/hypervisor/techniques/technique.ts";
import type { Delivery } from "../../src/interconnect/messages.ts";
import { summarize } from "../../src/system/summary.ts";
import { System } from "../../src/system/system.ts";
import { PML_FULL } from "../../src/units/pml/walk.ts";
import { accessesOf, staleMappings, sumCounter } from "./observe.ts";
import {
  anyRecipe,
  build,
  configOf,
  costsOf,
  drive,
  type Recipe,
  type Script,
  SIMPLE,
  stepper,
  type VmRecipe,
  withListener,
  withTechnique,
} from "./smallSystems.ts";

const RUNS = 300;

/** Complains when a rule about INVEPT is broken; to be shown every delivery. */
class InveptRules {
  readonly #system: System;
  readonly #pcpus: number;
  /** By tracker: the dispatchers that have acknowledged since it was last asked for something. */
  readonly #acknowledged = new Map<number, number[]>();
  /** Physical CPUs whose MMU was kicked and whose dispatcher has not seen the exit yet. */
  readonly #kicked = new Set<number>();
  #accesses = 0;
  answers = 0;
  kicks = 0;

  constructor(system: System) {
    this.#system = system;
    this.#pcpus = system.world.mmus.length;
  }

  see({ message, from, to }: Delivery): void {
    const system = this.#system;
    const accesses = sumCounter(system, Counter.accesses);
    const place = /^pcpu(\d+)\/(\w+)$/.exec(system.nameOf(to));
    const pcpu = Number(place?.[1]);
    // A CPU that was kicked retires nothing before its hypervisor has seen the exit.
    if (place?.[2] === "mmu" && this.#kicked.has(pcpu)) expect(accesses).toBe(this.#accesses);
    this.#accesses = accesses;
    switch (message.type) {
      case "kick":
        this.kicks++;
        this.#kicked.add(pcpu);
        break;
      case "vmExit":
        this.#kicked.delete(pcpu);
        break;
      case "arm":
      case "harvest":
      case "disarm":
        this.#acknowledged.set(to, []);
        break;
      case "inveptDone":
        this.#acknowledged.get(to)?.push(message.pcpu);
        break;
      case "armed":
      case "harvested":
        // Without a technique nothing was armed.
        if (system.actor(system.nameOf(from)).value === "off") break;
        this.#checkAcknowledged(from);
        expect(staleMappings(system, Number(/^vm(\d+)/.exec(system.nameOf(from))![1]))).toEqual([]);
        break;
      case "disarmed":
        this.#checkAcknowledged(from);
        break;
      default:
    }
  }

  /** Every CPU has acknowledged; one more time each for rings that were reset meanwhile. */
  #checkAcknowledged(tracker: number): void {
    this.answers++;
    const acknowledged = new Set(this.#acknowledged.get(tracker)!);
    expect(acknowledged.size).toBe(this.#pcpus);
  }
}

describe("an answer of a tracker", () => {
  it("comes after every CPU has executed INVEPT, and no TLB lets an access pass unseen", () => {
    let answers = 0;
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const system = build(recipe);
        const rules = new InveptRules(system);
        drive(system, (delivery) => rules.see(delivery));
        answers += rules.answers;
      }),
      { numRuns: RUNS },
    );
    expect(answers).toBeGreaterThan(RUNS);
  });

  it("that leaves INVEPT out is noticed by these rules", () => {
    const details = fc.check(
      fc.property(withTechnique("pml", "writeProtect", "presentBit"), (recipe) => {
        const config = configOf({ ...recipe, harvest: 1000 });
        const tracking = { ...config.world.tracking, faults: ["skipInvept" as const] };
        const system = new System({ ...config, world: { ...config.world, tracking } });
        drive(system, ({ message, from }) => {
          if (message.type !== "harvested") return;
          const vm = Number(/^vm(\d+)/.exec(system.nameOf(from))![1]);
          expect(staleMappings(system, vm)).toEqual([]);
        });
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
    expect(details.failed).toBe(true);
  });

  /** Endless work for three vCPUs of two VMs on two CPUs: tracking is turned on and off while they run. */
  const busy = (scripts: readonly Script[], leafLevel: 1 | 2): Recipe => ({
    ...SIMPLE,
    pcpus: 2,
    technique: "none",
    passes: 1_000_000_000,
    quantum: 200,
    costs: { protectPage: 1 },
    vms: [
      {
        pages: 40,
        paging: "off",
        leafLevel,
        vcpus: scripts.slice(0, 2).map((script) => ({ gap: 50, script })),
      },
      {
        pages: 10,
        paging: "off",
        leafLevel: 1,
        vcpus: [{ gap: 50, script: scripts[2] ?? [[0, 1]] }],
      },
    ],
  });
  const scripts = fc.array(
    fc.array(fc.tuple(fc.nat(39), fc.nat(3)), { minLength: 1, maxLength: 40 }),
    { minLength: 3, maxLength: 3 },
  );

  it("arming a running VM interrupts its CPUs, and no write after the answer is missed", () => {
    let kicks = 0;
    fc.assert(
      fc.property(
        scripts,
        fc.constantFrom(1 as const, 2 as const),
        fc.integer({ min: 10, max: 200 }),
        fc.integer({ min: 0, max: 3 }),
        (list, leafLevel, before, harvests) => {
          const { system, listener: requester } = withListener(busy(list, leafLevel));
          const rules = new InveptRules(system);
          const vm = system.world.vms[0]!;
          const tracker = system.actor("vm0/tracker").id;
          let answered = "";
          const step = stepper(system, (delivery) => {
            rules.see(delivery);
            const { type } = delivery.message;
            if (type === "armed" || type === "harvested" || type === "disarmed") answered = type;
          });
          const run = (messages: number): void => {
            for (let i = 0; i < messages; i++) step();
          };
          const ask = (message: Delivery["message"]): void => {
            answered = "";
            system.interconnect.post(0, tracker, 0, message);
            for (let i = 0; i < 5_000 && answered === ""; i++) step();
          };
          run(before);
          ask({ type: "arm", technique: "writeProtect", requester });
          expect(answered).toBe("armed");
          clearTruth(vm.guest);
          const seen = new Set<number>();
          for (let round = 0; round <= harvests; round++) {
            run(before);
            // What is written from now on may be reported in this round or the next.
            const written = new Set<number>();
            for (let page = 0; page < 40; page++) {
              if (wasWritten(vm.guest, page)) written.add(page);
            }
            ask({ type: "harvest", mode: "clean", requester });
            expect(answered).toBe("harvested");
            for (let page = 0; page < 40; page++) {
              if (isMarked(vm.tracked.handedOver, page)) seen.add(page);
            }
            expect([...written].filter((page) => !seen.has(page))).toEqual([]);
          }
          ask({ type: "disarm", requester });
          expect(answered).toBe("disarmed");
          // Nothing exits any more.
          const { violations } = system.actor("vm0/tracker").snapshot.context as {
            readonly violations: number;
          };
          run(200);
          expect(system.actor("vm0/tracker").snapshot.context).toMatchObject({ violations });
          kicks += rules.kicks;
        },
      ),
      { numRuns: RUNS / 3 },
    );
    expect(kicks).toBeGreaterThan(RUNS);
  });

  it("a snapshot while tracking is being turned off continues like the uninterrupted run", () => {
    fc.assert(
      fc.property(scripts, fc.nat(40), (list, cut) => {
        const begin = () => {
          const { system, listener: requester } = withListener(busy(list, 1));
          const tracker = system.actor("vm0/tracker").id;
          system.run(50);
          system.interconnect.post(0, tracker, 0, {
            type: "arm",
            technique: "writeProtect",
            requester,
          });
          while (system.actor("vm0/tracker").value !== "logging") system.step();
          system.run(20);
          system.interconnect.post(0, tracker, 0, { type: "disarm", requester });
          return system;
        };
        const whole = begin();
        whole.run(cut);
        const copy = withListener(busy(list, 1)).system;
        copy.restore(whole.save());
        for (let i = 0; i < 100; i++) {
          expect(copy.digests()).toEqual(whole.digests());
          whole.step();
          copy.step();
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe("a paused VM", () => {
  it("runs nothing between vmPaused and unpauseVm", () => {
    let pauses = 0;
    fc.assert(
      fc.property(anyRecipe, fc.nat(5000), (recipe, harvest) => {
        const system = build({ ...recipe, harvest });
        const paused = new Map<number, number>();
        drive(system, ({ message }) => {
          for (const [vm, accesses] of paused) expect(accessesOf(system, vm)).toBe(accesses);
          if (message.type === "vmPaused") {
            pauses++;
            paused.set(message.vm, accessesOf(system, message.vm));
          } else if (message.type === "unpauseVm") {
            paused.delete(message.vm);
          } else if (message.type === "enterGuest") {
            expect(paused.has(system.world.vcpus[message.vcpu]!.vm)).toBe(false);
          }
        });
      }),
      { numRuns: RUNS },
    );
    expect(pauses).toBeGreaterThan(RUNS);
  });

  it("is announced once for each pause", () => {
    fc.assert(
      fc.property(anyRecipe, fc.nat(5000), (recipe, harvest) => {
        const asked = new Map<number, number>();
        drive(build({ ...recipe, harvest }), ({ message }) => {
          if (message.type === "pauseVm") {
            asked.set(message.vm, (asked.get(message.vm) ?? 0) + 1);
          } else if (message.type === "vmPaused") {
            expect(asked.get(message.vm)).toBe(1);
            asked.set(message.vm, 0);
          }
        });
      }),
      { numRuns: RUNS / 3 },
    );
  });
});

describe("a log-full exit of PML", () => {
  it("is served before the vCPU enters again, which then finds an empty log", () => {
    let served = 0;
    fc.assert(
      fc.property(withTechnique("pml"), (recipe) => {
        const system = build(recipe);
        const full = new Set<number>();
        drive(system, ({ message }) => {
          if (message.type === "vmExit" && message.reason === PML_FULL) {
            full.add(message.vcpu);
          } else if (message.type === "handled") {
            for (const vcpu of full) {
              const { vmcs } = system.world.vcpus[vcpu]!;
              if (readField(vmcs, Field.logIndex) !== recipe.logEntries - 1) continue;
              full.delete(vcpu);
              served++;
            }
          } else if (message.type === "enterGuest") {
            expect(full.has(message.vcpu)).toBe(false);
          }
        });
        const { exits, logFull } = summarize(system);
        expect(exits[String(PML_FULL)] ?? 0).toBe(logFull);
      }),
      { numRuns: RUNS },
    );
    expect(served).toBeGreaterThan(RUNS);
  });
});

describe("the scheduler", () => {
  const endless: VmRecipe["vcpus"][number] = { gap: 100, script: [[0, 1]] };
  const crowd: Recipe = {
    ...SIMPLE,
    technique: "none",
    passes: 1_000_000_000,
    deadline: 5_000_000,
    quantum: 1000,
    vms: [{ pages: 3, paging: "off", leafLevel: 1, vcpus: [endless, endless, endless] }],
  };

  it("gives three vCPUs on one CPU their turns in order, a timeslice each", () => {
    const system = build(crowd);
    const { timesliceCycles } = configOf(crowd);
    const { vmExit, vmEntry, interruptHandler } = costsOf(crowd);
    const turns: { readonly vcpu: number; readonly time: number }[] = [];
    drive(system, ({ message, time, to }) => {
      if (message.type !== "schedule" || !system.nameOf(to).startsWith("vcpu")) return;
      turns.push({ vcpu: message.vcpu, time });
    });
    expect(turns.length).toBeGreaterThan(20);
    turns.forEach(({ vcpu }, i) => {
      expect(vcpu).toBe(i % 3);
    });
    // A turn ends at the end of its timeslice, the burst under way and the switch apart.
    const overrun = crowd.quantum + 1000 + vmExit + vmEntry + interruptHandler;
    for (let i = 1; i < turns.length; i++) {
      const turn = turns[i]!.time - turns[i - 1]!.time;
      expect(turn).toBeGreaterThanOrEqual(timesliceCycles);
      expect(turn).toBeLessThanOrEqual(timesliceCycles + overrun);
    }
    const accesses = [0, 1, 2].map((vcpu) =>
      sumCounter(system, Counter.accesses, (v) => v === vcpu),
    );
    expect(Math.max(...accesses) / Math.min(...accesses)).toBeLessThan(1.2);
  });

  it("never lets a vCPU wait for more turns than there are others", () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const system = build({ ...recipe, pcpus: 1, harvest: null });
        const waiting = new Map<number, number>();
        drive(system, ({ message, to }) => {
          if (message.type === "schedule" && system.nameOf(to).startsWith("vcpu")) {
            for (const [vcpu, turns] of waiting) waiting.set(vcpu, turns + 1);
            waiting.delete(message.vcpu);
            for (const turns of waiting.values()) expect(turns).toBeLessThanOrEqual(3);
          } else if (message.type === "descheduled" && !message.halted) {
            waiting.set(message.vcpu, 0);
          }
        });
      }),
      { numRuns: RUNS / 3 },
    );
  });

  it("lets the other vCPUs run on when one halts", () => {
    const long: Script = Array.from({ length: 60 }, (_, i) => [i, 1] as const);
    const system = build({
      ...crowd,
      passes: 1,
      deadline: null,
      pcpus: 2,
      vms: [
        {
          pages: 60,
          paging: "off",
          leafLevel: 1,
          vcpus: [
            { gap: 1, script: [[0, 1]] },
            { gap: 1000, script: long },
            { gap: 1000, script: long },
          ],
        },
      ],
    });
    const halted: number[] = [];
    let afterFirst = 0;
    drive(system, ({ message }) => {
      if (message.type === "descheduled" && message.halted) halted.push(message.vcpu);
      if (message.type === "continueGuest" && halted.length === 1) afterFirst++;
      if (message.type === "vmHalted") expect(halted).toHaveLength(3);
    });
    expect(halted[0]).toBe(0);
    expect(halted.toSorted()).toEqual([0, 1, 2]);
    expect(afterFirst).toBeGreaterThan(10);
    expect(sumCounter(system, Counter.accesses)).toBe(121);
  });

  it("leaves every access of every script performed exactly once", () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const system = build({ ...recipe, deadline: null });
        drive(system, () => {});
        const expected = recipe.vms.flatMap(({ vcpus }) =>
          vcpus.map(({ script }) => script.length * recipe.passes),
        );
        const performed = system.world.vcpus.map(
          ({ counters }) => counters.values[Counter.accesses],
        );
        expect(performed).toEqual(expected);
        expect(summarize(system).exits[String(ExitReason.hlt)]).toBe(expected.length);
        expect(summarize(system).failures).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});

describe("a VM entry that fails", () => {
  const techniques: TechniqueName[] = ["pml", "prl"];
  it.each(techniques)("ends the run with a failure, under %s without the hardware", (technique) => {
    const script: Script = [[0, 1]];
    const vcpus = [{ gap: 0, script }];
    const config = configOf({
      ...SIMPLE,
      technique,
      vms: [
        { pages: 3, paging: "off", leafLevel: 1, vcpus },
        { pages: 3, paging: "off", leafLevel: 1, vcpus },
      ],
    });
    const units = config.world.units.map((unit) => {
      return { ...unit, processorSide: () => unit.processorSide(false) };
    });
    const system = new System({ ...config, world: { ...config.world, units } });
    drive(system, () => {});
    expect(summarize(system).failures).toHaveLength(2);
    expect(summarize(system).failures[0]).toContain("not-supported");
    expect((system.actor("pcpu0/dispatcher").snapshot.context as DispatcherContext).vcpu).toBe(-1);
  });
});
