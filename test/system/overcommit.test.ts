/** The laws of an overcommitted host, on small systems: whatever is taken from whom, nothing is lost. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_HYPERVISOR_COSTS, type HypervisorCosts } from "../../src/hypervisor/costs.ts";
import { isMarked } from "../../src/hypervisor/dirtyBitmap.ts";
import { Tally } from "../../src/hypervisor/overcommit/vmMemory.ts";
import { measure } from "../../src/system/operations/measure.ts";
import {
  anyFields,
  buildOvercommitted,
  checkFrames,
  contentOf,
  type Overcommitted,
  type OvercommittedSystem,
} from "./overcommitSystems.ts";
import {
  anyRecipe,
  costsOf,
  drive,
  type Recipe,
  shortestTurn,
  withTechnique,
} from "./smallSystems.ts";

/** Cheap events: as many rounds as possible. */
const CHEAP = Object.fromEntries(
  Object.keys(DEFAULT_HYPERVISOR_COSTS).map((name) => [name, 1]),
) as Partial<HypervisorCosts>;
const RUNS = process.env["TRACKVISOR_QUICK"] === undefined ? 400 : 100;

function overcommitted(recipes: fc.Arbitrary<Recipe>): fc.Arbitrary<Overcommitted> {
  return fc
    .tuple(recipes, fc.double({ min: 0, max: 1, noNaN: true }), anyFields, fc.nat(1000))
    .map(([recipe, roominess, fields, seed]) => ({
      recipe: { ...recipe, deadline: null },
      roominess,
      fields,
      seed,
    }));
}

/** Writes to each page of a VM that its scripts say. */
function writesOf({ vms, passes }: Recipe, vm: number): number[] {
  const { pages, vcpus } = vms[vm]!;
  const writes = new Array<number>(pages).fill(0);
  for (const { script } of vcpus) {
    for (const [page, kind] of script) {
      if (kind === 1 || kind === 3) writes[page % pages]! += passes;
    }
  }
  return writes;
}

function contentsOf({ memories }: OvercommittedSystem): number[][] {
  return memories.map((memory) =>
    Array.from({ length: memory.vm.pages }, (_, page) => contentOf(memory, page)),
  );
}

describe("an overcommitted host", () => {
  it("loses no write, and no frame belongs to two VMs at any moment", () => {
    let swapped = 0;
    fc.assert(
      fc.property(overcommitted(anyRecipe), (any) => {
        const host = buildOvercommitted(any);
        let messages = 0;
        drive(host.system, () => {
          if (messages++ % 16 === 0) checkFrames(host);
        });
        checkFrames(host);
        expect(contentsOf(host)).toEqual(host.memories.map((_, vm) => writesOf(any.recipe, vm)));
        for (const { tallies } of host.memories) {
          swapped += tallies[Tally.guestRefaults] + tallies[Tally.hostRefaults];
        }
      }),
      { numRuns: RUNS },
    );
    // The law is about something.
    expect(swapped).toBeGreaterThan(2 * RUNS);
  });

  it("a page that is swapped before every CPU has executed INVEPT loses a write, and it is noticed", () => {
    const details = fc.check(
      fc.property(overcommitted(anyRecipe), (drawn) => {
        // Another CPU must be in the guest, and INVEPT must take its time.
        const recipe = { ...drawn.recipe, pcpus: 2, costs: { ...CHEAP, invept: 3000 } };
        const any = { ...drawn, recipe };
        const host = buildOvercommitted(any, undefined, ["swapBeforeInvept"]);
        drive(host.system, () => {});
        expect(contentsOf(host)).toEqual(host.memories.map((_, vm) => writesOf(any.recipe, vm)));
      }),
      { numRuns: 1000, seed: 5, endOnFailure: true },
    );
    expect(details.failed).toBe(true);
  });

  it.each([
    ["writeProtect", false],
    ["accessedDirtyScan", false],
    ["pml", false],
    ["dirtyRing", false],
    ["dirtyRing", true],
  ] as const)(
    "%s (PML behind it: %s) reports each page whose content changed, also if it was swapped out (case 79)",
    (technique, ringFromPml) => {
      fc.assert(
        fc.property(overcommitted(withTechnique(technique)), fc.nat(3000), (any, harvest) => {
          const recipe = { ...any.recipe, ringFromPml, passes: 3, costs: CHEAP };
          const cycles = shortestTurn(costsOf(recipe), recipe.logEntries) + 5000 + harvest;
          const host = buildOvercommitted(
            { ...any, recipe },
            measure({ harvestCycles: cycles, live: false, deadlineCycles: 0 }),
          );
          const { system, memories } = host;
          const trackers = memories.map((_, vm) => system.actor(`vm${vm}/tracker`).id);
          const before = memories.map(({ vm }) => new Array<number>(vm.pages).fill(0));
          const written = memories.map(() => new Set<number>());
          drive(system, ({ message, from }) => {
            if (message.type === "vmPaused") {
              const memory = memories[message.vm]!;
              written[message.vm] = new Set();
              before[message.vm]!.forEach((content, page) => {
                const now = contentOf(memory, page);
                if (now !== content) written[message.vm]!.add(page);
                before[message.vm]![page] = now;
              });
            } else if (message.type === "harvested") {
              const vm = trackers.indexOf(from);
              const { handedOver } = system.world.vms[vm]!.tracked;
              const omitted = [...written[vm]!].filter((page) => !isMarked(handedOver, page));
              expect(omitted).toEqual([]);
            }
          });
        }),
        { numRuns: RUNS / 4 },
      );
    },
  );
});
