/**
 * Arming, harvesting and disarming in pieces, between which guests run: what a harvest owes it reports, whatever the size
 * of the pieces, and the place where a piece ends is part of the state.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { truthOf } from "../../src/hardware/guestPages.ts";
import { DEFAULT_HYPERVISOR_COSTS } from "../../src/hypervisor/costs.ts";
import { isMarked } from "../../src/hypervisor/dirtyBitmap.ts";
import { TECHNIQUES, techniqueNamed } from "../../src/hypervisor/techniques/all.ts";
import type { TechniqueName } from "../../src/hypervisor/techniques/technique.ts";
import { buildSystem } from "../../src/system/build.ts";
import { measure } from "../../src/system/operations/measure.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { System } from "../../src/system/system.ts";
import { harvestsOf } from "../../src/system/verdict/harvestVerdict.ts";
import { recordRun, replayAll } from "../replay/logs.ts";
import {
  configOf,
  costsOf,
  drive,
  type Recipe,
  shortestTurn,
  withTechnique,
} from "./smallSystems.ts";

type Tracked = Exclude<TechniqueName, "none">;
const TRACKED = TECHNIQUES.filter((name): name is Tracked => name !== "none");

interface Way {
  readonly recipe: Recipe;
  /** Entries in a piece; 0 = the whole. */
  readonly piece: number;
  readonly live: boolean;
}

function build({ recipe, piece, live }: Way): System {
  const config = configOf(recipe);
  const { world } = config;
  const tracking = { ...world.tracking, preemptEvery: piece };
  // All turns last longer where the work is interrupted, and starts anew.
  const harvest = shortestTurn(costsOf(recipe), recipe.logEntries) + (recipe.harvest ?? 0);
  const deadlineCycles = recipe.deadline ?? 0;
  const operation = measure({ harvestCycles: harvest, live, deadlineCycles });
  return new System({ ...config, world: { ...world, tracking }, operation });
}

/** Pages of data that the guest touched, or wrote, and no harvest has reported; and those reported and never touched. */
function differences(system: System, technique: Tracked): string[] {
  return system.world.vms.flatMap(({ config, guest, reportedWritten, reportedTouched }, vm) => {
    const findsWritten = techniqueNamed(technique)?.findsWritten === true;
    const finds = findsWritten ? reportedWritten : reportedTouched;
    const bits = findsWritten ? 2 : 3;
    return Array.from({ length: config.pages }, (_, page) => {
      const owed = (truthOf(guest, page) & bits) !== 0;
      return owed === isMarked(finds, page) ? "" : `page ${page} of VM ${vm}: owed ${owed}`;
    }).filter((one) => one !== "");
  });
}

const ways = (technique: Tracked, live: boolean): fc.Arbitrary<Way> =>
  fc
    .tuple(withTechnique(technique), fc.integer({ min: 5, max: 40 }), fc.nat(2000), fc.nat(9))
    .map(([recipe, passes, harvest, piece]) => ({
      recipe: { ...recipe, passes, harvest, costs: CHEAP, deadline: null },
      piece,
      live,
    }));
const CHEAP = Object.fromEntries(Object.keys(DEFAULT_HYPERVISOR_COSTS).map((name) => [name, 1]));
/** What a piece of work costs here, a guest has time for several accesses. */
const SLOW = { ...CHEAP, protectPage: 300 };

describe("whatever the size of the pieces", () => {
  const inPieces = TRACKED.filter((name) => name !== "prl");
  it.each(inPieces)(
    "%s of VMs that stand still reports what was touched, and nothing else",
    (name) => {
      fc.assert(
        fc.property(ways(name, false), (way) => {
          const system = build(way);
          drive(system, () => {});
          // What exits before it writes may never come to write.
          const isExact = name === "pml" || name === "accessedDirtyScan";
          const wrong = differences(system, name).filter((one) => isExact || one.endsWith("true"));
          expect(wrong).toEqual([]);
        }),
        { numRuns: 25 },
      );
    },
  );

  it.each(inPieces)(
    "%s of VMs that run loses nothing, and reports nothing that was not touched",
    (name) => {
      fc.assert(
        fc.property(ways(name, true), ({ recipe, ...way }) => {
          const system = build({ ...way, recipe: { ...recipe, costs: SLOW } });
          drive(system, () => {});
          for (const { lostPages, overReported, losses } of harvestsOf(system)) {
            expect([lostPages, losses]).toEqual([0, []]);
            if (name === "pml" || name === "accessedDirtyScan") expect(overReported).toBe(0);
          }
        }),
        { numRuns: 40 },
      );
    },
  );

  it("a VM that stands still costs as much, and is found to have done as much, as in one piece", () => {
    const cycles = (piece: number): unknown => {
      const made = system({ tracker: { technique: "pml", ...pieces(piece) } });
      const told: number[] = [];
      made.interconnect.delivered.subscribe(({ message }) => {
        if (message.type === "harvested") told.push(message.cycles);
      });
      made.run();
      const { context } = made.actor("vm0/tracker").live;
      const { controlCycles } = context as { readonly controlCycles: number };
      return [made.interconnect.now, controlCycles, harvestsOf(made), told];
    };
    expect(cycles(1)).toEqual(cycles(0));
    expect(cycles(7)).toEqual(cycles(0));
  });
});

const SCENARIO = {
  name: "pieces",
  machine: { cpus: 2, logEntries: 1 },
  vms: [
    {
      vcpus: 2,
      memory: "256KiB",
      workload: { kind: "uniform", pages: 60, writeFraction: 0.5, gap: 500, accesses: 2000 },
    },
  ],
  operation: { kind: "measure", harvest: "50us" },
};
const LIVE = { ...SCENARIO.operation, live: true };
const pieces = (preemptEvery: number) => (preemptEvery === 0 ? {} : { preemptEvery });

function system(fields: object): System {
  return buildSystem(scenarioSchema.parse({ ...SCENARIO, ...fields }));
}

function run(fields: object): System {
  const made = system(fields);
  made.run();
  return made;
}

describe.each(["pml", "writeProtect", "accessedDirtyScan", "presentBit", "dirtyRing"] as const)(
  "%s in pieces, of a VM that runs",
  (technique) => {
    const fields = { tracker: { technique, preemptEvery: 3 }, operation: LIVE };

    it("pauses the VM for each harvest, and undoes that once and no other's pause", () => {
      const made = system(fields);
      let [paused, pauses, begun, harvests] = [0, 0, 0, 0];
      made.interconnect.delivered.subscribe(({ message: { type } }) => {
        if (type === "pauseVm") pauses++;
        if (type === "pauseVm") paused++;
        if (type === "unpauseVm") paused--;
        if (type === "harvestBegun") begun++;
        if (type === "harvested") harvests++;
        expect(paused).toBeGreaterThanOrEqual(0);
      });
      made.run();
      expect(made.done).toBe(true);
      // After the last one nobody runs.
      expect(begun).toBe(harvests - 1);
      expect(pauses).toBeGreaterThan(2);
      expect(paused).toBeLessThanOrEqual(1);
    });

    it("lets stores, exits and interrupts come between two pieces", () => {
      const made = system(fields);
      const between = new Set<string>();
      made.interconnect.delivered.subscribe(({ to, message }) => {
        if (made.actor("vm0/tracker").value !== "preparing") return;
        if (message.type !== "pieceDue") between.add(`${made.nameOf(to)} ${message.type}`);
      });
      made.run();
      const seen = [...between].join();
      expect(seen).toMatch(/vcpu\d+ schedule|pcpu\d+\/mmu continueGuest/);
      expect(harvestsOf(made)[0]?.lostPages).toBe(0);
      if (technique === "pml") expect(seen).toContain("vm0/tracker logFullExit");
      if (technique === "writeProtect") expect(seen).toContain("vm0/tracker eptViolation");
    });

    it("goes on from a state that was saved in the middle of it as if it had not been", () => {
      const whole = run(fields);
      const made = system(fields);
      const copies: System[] = [];
      for (let delivered = 0; made.step(); delivered++) {
        const inTheMiddle = made.actor("vm0/tracker").value === "preparing";
        if (!inTheMiddle || copies.length === 4 || delivered % 97 > 20) continue;
        const copy = system(fields);
        copy.restore(structuredClone(made.save()));
        copies.push(copy);
      }
      expect(copies.length).toBe(4);
      for (const copy of copies) {
        copy.run();
        expect(copy.digests()).toEqual(whole.digests());
      }
    });

    it("is replayed message by message", () => {
      const bytes = recordRun(system(fields));
      expect(replayAll(bytes, system(fields))).toBeNull();
    });
  },
);

it.each([
  [{ tracker: { technique: "prl", preemptEvery: 4 } }, /tracker.preemptEvery: technique "prl"/],
  [{ tracker: { technique: "none", preemptEvery: 4 } }, /tracker.preemptEvery: technique "none"/],
  [{ tracker: { technique: "none" }, operation: LIVE }, /operation.live: technique "none"/],
])("what could mean nothing is refused: %j", (fields, what) => {
  expect(() => system(fields)).toThrow(what);
});
