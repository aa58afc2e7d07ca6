/** A search that leaves out steps comes to the verdicts of one that takes all. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Exploration } from "../../src/check/engine/exploration.ts";
import type { Model } from "../../src/check/engine/model.ts";
import { verdictsOf } from "../../src/check/verdicts.ts";
import { modelOf, randomModels } from "./randomModel.ts";

function explore(model: Model, partialOrder: boolean, states = 20_000): Exploration {
  const bounds = { states };
  const exploration = new Exploration(model, { partialOrder, keepGoing: true, bounds });
  exploration.run();
  return exploration;
}

const verdicts = (exploration: Exploration) =>
  verdictsOf(exploration).map(({ name, verdict }) => `${name}: ${verdict}`);

it("on random models: the same verdicts, from no more states, and mostly from fewer", () => {
  let [whole, kept, models, deadlocks] = [0, 0, 0, 0];
  const runs = Number(process.env["POR_RUNS"] ?? 1500);
  fc.assert(
    fc.property(randomModels(4), (random) => {
      const full = explore(modelOf(random), false);
      if (full.ending !== "complete") return;
      const reduced = explore(modelOf(random), true);
      expect(reduced.ending).toBe("complete");
      expect(verdicts(reduced)).toEqual(verdicts(full));
      expect(reduced.distinct).toBeLessThanOrEqual(full.distinct);
      models += 1;
      if (verdicts(full)[0] === "no deadlock: holds") deadlocks += 1;
      whole += full.distinct;
      kept += reduced.distinct;
    }),
    { numRuns: runs, seed: Number(process.env["POR_SEED"] ?? 1) },
  );
  console.log({ whole, kept, models, deadlocks });
  expect(kept).toBeLessThan(whole);
}, 600_000);
