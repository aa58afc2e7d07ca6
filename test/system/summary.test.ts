/** The numbers of a run agree with the scripts that the guests played, and with each other. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { CYCLES_PER_SECOND } from "../../src/config/units.ts";
import { techniqueNamed } from "../../src/hypervisor/techniques/all.ts";
import { DEFAULT_ENERGY_COSTS, energyOf } from "../../src/system/energy.ts";
import { summarize } from "../../src/system/summary.ts";
import {
  anyRecipe,
  build,
  costsOf,
  drive,
  type Recipe,
  type Script,
  SIMPLE,
  withTechnique,
} from "./smallSystems.ts";

/** Distinct pages of a recipe's scripts whose accesses are of these kinds. */
function pagesOf(recipe: Recipe, kinds: readonly number[]): number {
  return recipe.vms.reduce((sum, { vcpus, pages }) => {
    const used = vcpus.flatMap(({ script }) => script.filter(([, kind]) => kinds.includes(kind)));
    return sum + new Set(used.map(([page]) => page % pages)).size;
  }, 0);
}

it("the truth is what the scripts say", () => {
  fc.assert(
    fc.property(anyRecipe, (recipe) => {
      const system = build({ ...recipe, deadline: null });
      drive(system, () => {});
      expect(summarize(system).truth).toEqual({
        pagesRead: pagesOf(recipe, [0, 2, 3]),
        pagesWritten: pagesOf(recipe, [1, 3]),
        pagesTouched: pagesOf(recipe, [0, 1, 2, 3]),
      });
    }),
    { numRuns: 200 },
  );
});

it("accesses and writes are those of the scripts", () => {
  fc.assert(
    fc.property(anyRecipe, (recipe) => {
      const system = build({ ...recipe, deadline: null });
      drive(system, () => {});
      const { accesses, writes } = summarize(system);
      const kinds = recipe.vms.flatMap(({ vcpus }) =>
        vcpus.flatMap(({ script }) => script.map(([, kind]) => kind)),
      );
      const written = kinds.filter((kind) => kind === 1 || kind === 3);
      expect(accesses).toBe(recipe.passes * kinds.length);
      expect(writes).toBe(recipe.passes * written.length);
    }),
    { numRuns: 200 },
  );
});

it("every busy cycle takes its energy once, and time takes the rest", () => {
  const none = Object.fromEntries(Object.keys(DEFAULT_ENERGY_COSTS).map((name) => [name, 0]));
  fc.assert(
    fc.property(anyRecipe, (recipe) => {
      const system = build(recipe);
      const energy = { ...DEFAULT_ENERGY_COSTS, ...none, busyCycle: 1, staticMilliwatts: 1000 };
      Object.assign(system.config, { energy });
      drive(system, () => {});
      const { cycles, pvm, time, energy: found } = summarize(system);
      const guest = cycles.guest + cycles.ptw + cycles.exit + cycles.entry + cycles.handler;
      const pvmCycles = pvm.exit + pvm.entry + pvm.handler + pvm.control + pvm.processes;
      expect(found.cpus).toBeCloseTo((guest + pvmCycles) * 1e-12, 18);
      expect(found.static).toBeCloseTo(time / CYCLES_PER_SECOND, 18);
      expect(found.total).toBe(found.cpus + found.static);
    }),
    { numRuns: 100 },
  );
});

it("energy is what was counted, times what each takes", () => {
  const events = {
    seconds: 2,
    busyCycles: 10,
    accesses: 8,
    writes: 4,
    l1TlbMisses: 5,
    tlbMisses: 3,
    walkReferences: 7,
    flagUpdates: 2,
    logEntries: 6,
    zeroedPages: 1,
  };
  const energy = energyOf(events, {
    staticMilliwatts: 500,
    busyCycle: 1e11,
    cacheLine: 1e12,
    memoryRead: 2e12,
    memoryWrite: 4e12,
    walkReference: 1e12,
    flagUpdate: 10e12,
    logStore: 100e12,
  });
  expect(energy).toEqual({
    static: 1,
    cpus: 1,
    // Two lines from the cache, three from memory; half of the accesses write; a page of 64 lines is zeroed.
    memory: 2 + 3 * 2 + 1.5 * 4 + 64 * 6,
    walks: 7 + 20 + 600,
    total: 1027,
    watts: 513.5,
  });
});

it("with one harvest at the end, a tracker of writes reports the written pages exactly", () => {
  fc.assert(
    fc.property(
      withTechnique("pml", "writeProtect", "accessedDirtyScan", "dirtyRing"),
      (recipe) => {
        const system = build({ ...recipe, deadline: null, harvest: null });
        drive(system, () => {});
        const { truth, reported } = summarize(system);
        expect(reported.pagesWritten).toBe(truth.pagesWritten);
      },
    ),
    { numRuns: 400 },
  );
});

it("with one harvest at the end, a tracker of touches reports the touched pages exactly", () => {
  fc.assert(
    fc.property(withTechnique("presentBit", "accessedDirtyScan"), (recipe) => {
      const system = build({ ...recipe, deadline: null, harvest: null });
      drive(system, () => {});
      const { truth, reported } = summarize(system);
      expect(reported.pagesTouched).toBe(truth.pagesTouched);
    }),
    { numRuns: 200 },
  );
});

it("a tracker says null about what it cannot know", () => {
  fc.assert(
    fc.property(anyRecipe, (recipe) => {
      const system = build(recipe);
      drive(system, () => {});
      const { reported } = summarize(system);
      const technique = techniqueNamed(recipe.technique);
      expect(reported.pagesWritten === null).toBe(technique?.findsWritten !== true);
      expect(reported.pagesTouched === null).toBe(technique?.findsTouched !== true);
      expect(reported.guestPageTables >= 0).toBe(true);
    }),
    { numRuns: 100 },
  );
});

it("every VM exit is paid for once, and so is every entry", () => {
  fc.assert(
    fc.property(anyRecipe, (recipe) => {
      const system = build(recipe);
      let entered = 0;
      drive(system, ({ message }) => {
        if (message.type === "enterGuest") entered++;
      });
      const { exits, cycles } = summarize(system);
      const { vmExit, vmEntry } = costsOf(recipe);
      const taken = Object.values(exits).reduce((sum, count) => sum + count, 0);
      expect(cycles.exit).toBe(taken * vmExit);
      expect(cycles.entry).toBe(entered * vmEntry);
    }),
    { numRuns: 200 },
  );
});

it("two VMs whose leaves have different sizes both run to the end", () => {
  const script: Script = [[0, 1]];
  const vcpus = [{ gap: 0, script }];
  const system = build({
    ...SIMPLE,
    vms: [
      { pages: 3, paging: "off", leafLevel: 1, vcpus },
      { pages: 16, paging: "off", leafLevel: 2, vcpus },
    ],
  });
  drive(system, () => {});
  expect(summarize(system)).toMatchObject({ failures: [], accesses: 2 });
});
