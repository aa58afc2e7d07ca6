/** What PRL promises: the guest is never interrupted, and what is not logged is counted as missed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PvmCpuContext } from "../../machines/pvmCpu.ts";
import { Counter } from "../../src/hardware/counters.ts";
import { ExitReason } from "../../src/hardware/exit.ts";
import { clearTruth, wasTouched } from "../../src/hardware/guestPages.ts";
import { Field, readField } from "../../src/hardware/vmcs.ts";
import { isMarked } from "../../src/hypervisor/dirtyBitmap.ts";
import { summarize } from "../../src/system/summary.ts";
import type { System } from "../../src/system/system.ts";
import { sumCounter, underWay } from "./observe.ts";
import { build, drive, type Recipe, type Script, SIMPLE, withTechnique } from "./smallSystems.ts";

const RUNS = 400;
const prl = withTechnique("prl");

function pvm(system: System): PvmCpuContext {
  return system.actor("pvm0").snapshot.context as PvmCpuContext;
}

describe("PRL's report", () => {
  it("names only pages that were touched in the round, and all of them when nothing was missed", () => {
    let complete = 0;
    fc.assert(
      fc.property(prl, (recipe) => {
        const system = build(recipe);
        const { vms } = system.world;
        const touched = vms.map(() => new Set<number>());
        const missed = vms.map(() => 0);
        const trackers = vms.map((_, vm) => system.actor(`vm${vm}/tracker`).id);
        drive(system, ({ message, from }) => {
          if (message.type === "vmPaused") {
            const { guest, config } = vms[message.vm]!;
            const pages = touched[message.vm]!;
            pages.clear();
            for (let page = 0; page < config.pages; page++) {
              if (wasTouched(guest, page)) pages.add(page);
            }
            clearTruth(guest);
          }
          if (message.type !== "harvested") return;
          const vm = trackers.indexOf(from);
          const { tracked, config } = vms[vm]!;
          const reported = new Set<number>();
          for (let page = 0; page < config.pages; page++) {
            if (isMarked(tracked.handedOver, page)) reported.add(page);
          }
          expect(reported.size).toBe(message.pagesTouched);
          expect([...reported].filter((page) => !touched[vm]!.has(page))).toEqual([]);
          const missedSoFar = sumCounter(
            system,
            Counter.missedGpas,
            (vcpu) => system.world.vcpus[vcpu]!.vm === vm,
          );
          const missedNow = missedSoFar - missed[vm]!;
          missed[vm] = missedSoFar;
          // A large TLB entry hides the other pages that it maps; it takes a guest without 4 KiB pages.
          const large = recipe.vms[vm]!.paging === "off" && recipe.vms[vm]!.leafLevel > 1;
          if (missedNow > 0 || large) return;
          complete++;
          expect([...touched[vm]!].filter((page) => !reported.has(page))).toEqual([]);
        });
      }),
      { numRuns: RUNS },
    );
    expect(complete).toBeGreaterThan(RUNS / 10);
  });

  it("counts every GPA that a walk gives, either as logged or as missed", () => {
    fc.assert(
      fc.property(prl, (recipe) => {
        const system = build(recipe);
        drive(system, () => {});
        // VEE21 logs the program's page alone; DW19 those of the guest's tables too, unless filtered.
        const filtered = recipe.variant === "vee21" || recipe.filterGuestTables;
        const perWalk = { off: 1, pae: 3, longMode: 5 } as const;
        for (const { counters, vm } of system.world.vcpus) {
          const { values } = counters;
          const gpas = filtered ? 1 : perWalk[recipe.vms[vm]!.paging];
          const seen = values[Counter.logEntries]! + values[Counter.missedGpas]!;
          expect(seen).toBe(values[Counter.tlbMisses]! * gpas);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("counts each log entry once, whether the handler or a harvest copies it", () => {
    fc.assert(
      fc.property(prl, (recipe) => {
        // With these costs, cycles count entries.
        const costs = { ...recipe.costs, prlHandler: 0, prlEntry: 1, protectPage: 0 };
        const system = build({ ...recipe, costs });
        drive(system, () => {});
        const { pvm, logEntries } = summarize(system);
        expect(pvm.handler + pvm.control).toBe(logEntries);
      }),
      { numRuns: 2 * RUNS },
    );
  });
});

describe("PRL's interrupt", () => {
  it("never reaches the guest: with a CPU for each vCPU the only exits are their ends", () => {
    fc.assert(
      fc.property(prl, (recipe) => {
        const pcpus = recipe.vms.reduce((sum, { vcpus }) => sum + vcpus.length, 0);
        const system = build({ ...recipe, pcpus, harvest: null, deadline: null });
        drive(system, () => {});
        expect(summarize(system).exits).toEqual({ [ExitReason.hlt]: pcpus });
      }),
      { numRuns: RUNS / 2 },
    );
  });

  it("is always served, and afterwards the processor logs again", () => {
    let interrupts = 0;
    fc.assert(
      fc.property(prl, (recipe) => {
        const system = build(recipe);
        drive(system, ({ message }) => {
          if (message.type === "ipi") interrupts++;
          const busy = underWay(system, "prlLogFilled", "ipi", "logsCopied", "remoteReload");
          if (busy > 0 || system.actor("pvm0").value !== "guest") return;
          for (const { vmcs } of system.world.vcpus) {
            expect(vmcs.image[2 * Field.fullLogs]).toBe(0);
            expect(readField(vmcs, Field.fullLogs)).toBe(0);
            expect(readField(vmcs, Field.logIndex)).toBeGreaterThanOrEqual(0);
          }
        });
      }),
      { numRuns: 2 * RUNS },
    );
    expect(interrupts).toBeGreaterThan(RUNS);
  });

  it("leaves the log suspended until the remote reload, or until a harvest empties it", () => {
    let suspensions = 0;
    fc.assert(
      fc.property(prl, (recipe) => {
        const system = build({ ...recipe, doubleBuffer: false });
        const units = system.world.vcpus.map((_, vcpu) => system.actor(`vcpu${vcpu}/prl`).id);
        const suspendedAt = new Map<number, number>();
        drive(system, ({ message, to }) => {
          for (const [vcpu, entries] of suspendedAt) {
            const { values } = system.world.vcpus[vcpu]!.counters;
            expect(values[Counter.logEntries]).toBe(entries);
          }
          if (message.type === "prlLogFilled") {
            const vcpu = units.indexOf(to);
            const { counters, vmcs } = system.world.vcpus[vcpu]!;
            const { values } = counters;
            // Another vCPU's interrupt may have made the handler empty this log already.
            if (readField(vmcs, Field.logIndex) >= 0) return;
            suspendedAt.set(vcpu, values[Counter.logEntries]!);
            suspensions++;
          } else if (message.type === "remoteReload") {
            suspendedAt.delete(units.indexOf(to));
          } else if (message.type === "harvest") {
            suspendedAt.clear();
          }
        });
      }),
      { numRuns: RUNS },
    );
    expect(suspensions).toBeGreaterThan(RUNS);
  });

  const script: Script = Array.from({ length: 40 }, (_, i) => [i, 0] as const);
  const twin: Recipe = {
    ...SIMPLE,
    technique: "prl",
    logEntries: 4,
    pcpus: 3,
    vms: [
      {
        pages: 64,
        paging: "off",
        leafLevel: 1,
        vcpus: [
          { gap: 100, script },
          { gap: 100, script },
        ],
      },
      { pages: 64, paging: "off", leafLevel: 1, vcpus: [{ gap: 100, script }] },
    ],
  };

  it("serves the full logs of several vCPUs and VMs in one run of the handler", () => {
    const system = build(twin);
    let most = 0;
    drive(system, () => {
      most = Math.max(most, pvm(system).drained.length);
    });
    const { ipis, coalesced, handlerRuns, logsServed } = pvm(system);
    expect(most).toBe(3);
    expect(coalesced).toBeGreaterThan(0);
    expect(handlerRuns).toBeLessThan(ipis);
    // A log that a run of the handler found full before its own interrupt came is not served again.
    expect(logsServed).toBeLessThanOrEqual(ipis);
  });

  it("counts what a slow handler makes PRL miss", () => {
    const missed = (prlHandler: number): number => {
      const vms = twin.vms.map((vm) => ({
        ...vm,
        vcpus: vm.vcpus.map(() => ({ gap: 1000, script })),
      }));
      const system = build({ ...twin, vms, costs: { prlHandler } });
      drive(system, () => {});
      return summarize(system).missedGpas;
    };
    expect(missed(20_000)).toBeGreaterThan(missed(0));
    expect(missed(0)).toBeGreaterThan(0);
  });
});

describe("double buffering", () => {
  const fast = fc
    .tuple(prl, fc.integer({ min: 2, max: 4 }))
    .filter(([{ vms }]) => vms.every(({ paging }) => paging === "off"))
    .map(([recipe, logEntries]): Recipe => {
      const costs = {
        ...recipe.costs,
        ipi: Math.min(recipe.costs.ipi ?? 500, 3000),
        prlHandler: Math.min(recipe.costs.prlHandler ?? 500, 3000),
        prlEntry: Math.min(recipe.costs.prlEntry ?? 10, 10),
        remoteReload: Math.min(recipe.costs.remoteReload ?? 500, 3000),
      };
      const vms = recipe.vms.map((vm) => ({
        ...vm,
        vcpus: vm.vcpus.map(({ script }) => ({ gap: 20_000, script })),
      }));
      return { ...recipe, logEntries, vms, costs, doubleBuffer: true, harvest: null };
    });

  it("loses nothing if the handler is faster than a log fills, but the GPA that some rules drop", () => {
    let full = 0;
    fc.assert(
      fc.property(fast, (recipe) => {
        const system = build(recipe);
        drive(system, () => {});
        const { missedGpas, logFull } = summarize(system);
        full += logFull;
        expect(missedGpas).toBe(recipe.slotRule === "store-at-zero" ? 0 : logFull);
      }),
      { numRuns: RUNS / 2 },
    );
    expect(full).toBeGreaterThan(RUNS / 4);
  });
});
