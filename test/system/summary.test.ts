/** The numbers of a run agree with the scripts that the guests played, and with each other. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { techniqueNamed } from "../../src/hypervisor/techniques/all.ts";
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
