/** A vCPU whose dirty ring is full waits until its log is drained and its ring is reset, and then goes on. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TrackerContext } from "../../machines/trackerContext.ts";
import { wasWritten } from "../../src/hardware/guestPages.ts";
import { isMarked } from "../../src/hypervisor/dirtyBitmap.ts";
import { ringUsed } from "../../src/hypervisor/dirtyRing.ts";
import type { Delivery } from "../../src/interconnect/messages.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import { System } from "../../src/system/system.ts";
import { anyRecipe, configOf, drive, type Recipe, withTechnique } from "./smallSystems.ts";

/** As any, with rings so small that they fill. */
function withSmallRings(recipe: Recipe): System {
  const config = configOf(recipe);
  const tracking = { ...config.world.tracking, ringEntries: 16, ringReserved: 4 };
  return new System({ ...config, world: { ...config.world, tracking } });
}

/** Watches that no vCPU goes on before the work on its exit is done, in virtual time. */
class HandlerTimes {
  readonly #system: System;
  /** By dispatcher: when the work on the exit there is done. */
  readonly #due = new Map<number, number>();
  readonly #cycles = new Map<string, number>();
  waits = 0;

  constructor(system: System) {
    this.#system = system;
  }

  see({ message, to, time }: Delivery): void {
    const name = this.#system.nameOf(to);
    if (name.endsWith("/tracker")) {
      const { handlerCycles, heldBack } = this.#system.actor(name).live.context as TrackerContext;
      const work = handlerCycles - (this.#cycles.get(name) ?? 0);
      this.#cycles.set(name, handlerCycles);
      if (message.type === "logFullExit" || message.type === "eptViolation") {
        this.#due.set(message.dispatcher, time + work);
      } else if (message.type === "reapDue") {
        for (const dispatcher of heldBack) {
          this.waits++;
          this.#due.set(dispatcher, Math.max(this.#due.get(dispatcher)!, time + work));
        }
      }
    } else if (message.type === "handled") {
      expect(time).toBeGreaterThanOrEqual(this.#due.get(to)!);
    }
  }
}

describe("the time of an exit's handler", () => {
  it("has passed when its vCPU goes on, under every technique", () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const system = withSmallRings(recipe);
        const times = new HandlerTimes(system);
        drive(system, (delivery) => times.see(delivery));
      }),
      { numRuns: 200 },
    );
  });
});

describe("a full dirty ring", () => {
  it("is reset after its log was drained, before its vCPU runs again, and no page is lost", () => {
    let waits = 0;
    fc.assert(
      fc.property(withTechnique("dirtyRing"), (recipe) => {
        const system = withSmallRings(recipe);
        const times = new HandlerTimes(system);
        drive(system, (delivery) => {
          times.see(delivery);
        });
        waits += times.waits;
        for (const { config, guest, reportedWritten, tracked } of system.world.vms) {
          for (let page = 0; page < config.pages; page++) {
            if (wasWritten(guest, page)) expect(isMarked(reportedWritten, page)).toBe(true);
          }
          for (const { ring } of tracked.vcpus) expect(ringUsed(ring)).toBe(0);
        }
      }),
      { numRuns: 400, seed: 5 },
    );
    expect(waits).toBeGreaterThan(50);
  });

  it("that PML feeds, in its everyday size, lets a fast writer run to its end", () => {
    const scenario = scenarioSchema.parse({
      name: "dirty ring from PML, one vCPU, a fast writer",
      vms: [
        {
          workload: { kind: "arrayParser", pages: 6000, writeIntensity: 100, gap: 300, passes: 2 },
        },
      ],
      tracker: { technique: "dirtyRing", ring: { source: "pml" } },
    });
    const system = buildSystem(scenario);
    system.run();
    const { complete, reported, truth, exits } = summarize(system);
    expect(complete).toBe(true);
    expect(exits["62"]).toBeGreaterThan(10);
    expect(reported.pagesWritten).toBe(truth.pagesWritten);
  });
});
