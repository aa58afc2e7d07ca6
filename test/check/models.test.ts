import { describe, expect, it } from "vitest";
import { buildModel, modelNamed, valuesOf } from "../../src/check/catalogue.ts";
import { Exploration } from "../../src/check/engine/exploration.ts";
import { verdictsOf } from "../../src/check/verdicts.ts";
import { IS_ALL, shareOf } from "../share.ts";
import { furtherModels } from "./furtherModels.ts";
import { plainSearch } from "./plainSearch.ts";

type Values = Readonly<Record<string, number>>;

function explore(model: string, set: Values): Exploration {
  const exploration = new Exploration(buildModel({ model, set, mutation: null }));
  exploration.run();
  return exploration;
}

/**
 * The models in a size that takes seconds: all properties are proved on all of these. Distinct and generated
 * states where they are pinned: a number that changes says that a protocol, or what counts as a state, has.
 */
const PROVED: readonly (readonly [string, Values, counts?: readonly [number, number]])[] = [
  ["pml", {}],
  ["pml-halts", {}],
  ["prl", { pages: 2 }],
  ["write-protection", { reads: 0 }],
  ["present-bit", { reads: 0 }],
  ["accessed-dirty-scan", {}],
  ["dirty-ring", {}],
  ["dirty-ring-pml", {}],
  ["write-protection-in-pieces", {}],
  ["pml-in-pieces", {}],
  ["dirty-ring-in-pieces", {}],
  ["scan-in-pieces", {}],
  ["slots-in-pieces", { harvests: 0 }],
  ["migration", {}, [29_705, 97_314]],
  ["migration-rounds", { rounds: 2, fails: 0 }, [70_603, 206_170]],
  ["write-protection-large-leaves", { pages: 2, reads: 1 }, [39_233, 104_821]],
  ["pml-large-leaves", {}, [23_950, 63_986]],
  ["write-protection-lazy-types", {}],
  ["pml-crowded", { harvests: 0 }],
  ["write-protection-two-vms", { harvests: 0 }],
  ["migration-write-protection", {}],
  ["migration-throttled", { fails: 0, aborts: 0 }],
  ["checkpoint-write-protection", { pages: 1 }],
  ["paging", { balloons: 0 }],
  ["paging-write-protection", { balloons: 0 }],
  ["paging-scan", { balloons: 0 }],
  ["paging-pml", { balloons: 0 }],
  ["prl-two-vms", { pages: IS_ALL ? 2 : 1, log: 1 }],
  ["prl-two-logs", { pages: 3, log: 1 }],
  ["prl-two-logs", { harvests: 0, budget: 2 }],
  ["prl-counts", { log: 2, harvests: 0, counts: 4 }],
  ["checkpoint", {}],
  ["checkpoint-stop", {}],
  ["checkpoint-diff", {}],
  ["estimate-prl", { reads: 0 }],
  ["iommu", { pages: 1 }],
  ["migration-device", { aborts: 0, fails: 0 }],
  ["postcopy", {}],
  ["postcopy-recovery", { pages: 1 }],
  ["dirty-ring-hypervisor", {}],
  ["pml-hypervisor", {}],
];

/** Of these a smaller one is explored below; they take six seconds and more each. */
const PROVED_WITH_TIME: typeof PROVED = [
  ["prl-two-pvm-cpus", {}, [112_261, 453_761]],
  ["pml-in-pieces", { pages: 3, harvests: 0 }],
  ["slots", {}],
  ["estimate-pml", {}],
];

const SMALLEST = { pages: 1, log: 1, reads: 0 };

/** Smaller still, for a search that works out every step of every state. A depth: no farther. */
const NAMED: readonly (readonly [string, Values, depth?: number])[] = [
  ["pml", { pages: 2, reads: 0, log: 1, harvests: 0 }],
  ["pml-halts", { harvests: 0 }],
  ["operator", SMALLEST, 16],
  ["pml-two-vcpus", { ...SMALLEST, harvests: 0 }],
  ["machine-unit-interrupts", { harvests: 0 }],
  ["prl", { pages: 2, reads: 0, log: 1, harvests: 0 }],
  ["prl-two-logs", { pages: 3, log: 1, harvests: 0 }],
  ["prl-two-vms", { ...SMALLEST, harvests: 0 }, 26],
  ["prl-two-vcpus", { ...SMALLEST, log: 2 }, 24],
  ["prl-counts", { log: 2, harvests: 0, counts: 2 }, 26],
  ["write-protection-two-vcpus", { ...SMALLEST, harvests: 0 }],
  ["present-bit", { pages: 2, harvests: 0 }],
  ["accessed-dirty-scan", { pages: 2, harvests: 0 }],
  ["dirty-ring-two-vcpus", SMALLEST],
  ["dirty-ring-pml", { pages: 2, harvests: 0 }],
  ["write-protection-in-pieces", { harvests: 0 }],
  ["pml-in-pieces", { harvests: 0 }, 40],
  ["operator-in-pieces", {}, 12],
  ["dirty-ring-in-pieces", { harvests: 0 }, 40],
  ["scan-in-pieces", { harvests: 0 }],
  ["slots", {}, 16],
  ["pml-slots", {}, 14],
  ["dirty-ring-both-full", {}, 22],
  ["migration", SMALLEST],
  ["migration-rounds", { ...SMALLEST, rounds: 2, aborts: 0, fails: 0 }],
  ["pml-three-vcpus", SMALLEST, 24],
  ["prl-two-pvm-cpus", SMALLEST, 22],
  ["pml-crowded", { ...SMALLEST, harvests: 0 }],
  ["write-protection-two-vms", { ...SMALLEST, harvests: 0 }, 26],
  ["migration-write-protection", SMALLEST, IS_ALL ? Number.POSITIVE_INFINITY : 30],
  ["migration-throttled", { ...SMALLEST, aborts: 0, fails: 0 }, 34],
  ["checkpoint-write-protection", SMALLEST, 30],
  ["paging", {}, 14],
  ["paging-two-vms", {}, 20],
  ["paging-write-protection", { balloons: 0 }, 34],
  ["paging-scan", { balloons: 0 }, 32],
  ["paging-pml", { balloons: 0 }, 32],
  ["write-protection-large-leaves", { pages: 2, reads: 1, harvests: 0 }],
  ["checkpoint", SMALLEST, IS_ALL ? Number.POSITIVE_INFINITY : 36],
  ["checkpoint-stop", { ...SMALLEST, times: 1 }],
  ["checkpoint-diff", SMALLEST, 30],
  ["estimate-prl", SMALLEST, 26],
  ["estimate-pml", SMALLEST, 30],
  ["two-phase-commit", { managers: 3 }],
  ["migration-device", { aborts: 0, fails: 0 }, 30],
  ["pml-device", { pages: 1, harvests: 0 }],
  ["dirty-ring-device", { harvests: 0 }],
  ["iommu", { pages: 1, harvests: 0 }],
  ["pml-hypervisor", { pages: 1, harvests: 0 }],
  ["dirty-ring-hypervisor", {}, 40],
  ["write-protection-lazy-types", { pages: 1 }],
  ["pml-lazy-types", {}, 24],
  ["postcopy", {}, 40],
  ["postcopy-recovery", { pages: 1 }, 30],
];
const PLAIN = [...NAMED, ...furtherModels(NAMED.map(([name]) => name))];

describe("every property holds", () => {
  const proved = IS_ALL ? [...PROVED, ...PROVED_WITH_TIME] : PROVED;
  const sizes = proved.map(([model, set, counts = null]) => ({ model, set, counts }));
  it.each(shareOf(sizes, 3))("on $model with $set", ({ model, set, counts }) => {
    const exploration = explore(model, set);
    expect(exploration.ending).toBe("complete");
    const bad = verdictsOf(exploration).filter(({ verdict }) => verdict !== "holds");
    expect(bad.map(({ name: property, verdict }) => `${property}: ${verdict}`)).toEqual([]);
    if (counts !== null) expect([exploration.distinct, exploration.generated]).toEqual(counts);
  });
});

it("two vCPUs whose rings are full at once do not wait for each other: not in 45 messages", () => {
  const target = { model: "dirty-ring-both-full", set: {}, mutation: null };
  const exploration = new Exploration(buildModel(target), { bounds: { depth: 45 } });
  exploration.run();
  expect(exploration.distinct).toBeGreaterThan(50_000);
  // The planted faults of this model are found in 30 and 34.
  expect(verdictsOf(exploration).filter(({ verdict }) => verdict === "violated")).toEqual([]);
});

describe("the explorer finds what a plain search finds", () => {
  const sizes = PLAIN.map(([model, set, depth = Number.POSITIVE_INFINITY]) => {
    return { model, set, depth };
  });
  it.each(shareOf(sizes, 1, 2))("on $model with $set", ({ model, set, depth }) => {
    const target = { model, set, mutation: null };
    const exploration = new Exploration(buildModel(target), { bounds: { depth } });
    exploration.run();
    const plain = plainSearch(buildModel(target), depth);
    expect(plain.distinct).toBeGreaterThan(30);
    expect([exploration.distinct, exploration.generated]).toEqual([
      plain.distinct,
      plain.generated,
    ]);
    expect(plain.broken).toEqual(new Set());
  });

  it("also where a fault is planted", () => {
    const target = {
      model: "pml",
      set: { pages: 2, reads: 0, log: 1 },
      mutation: "clear-before-drain",
    };
    const exploration = new Exploration(buildModel(target), { keepGoing: true });
    exploration.run();
    const broken = verdictsOf(exploration).filter(({ verdict, kind }) => {
      return verdict === "violated" && kind === "step";
    });
    const plain = plainSearch(buildModel(target));
    expect(exploration.distinct).toBe(plain.distinct);
    expect(new Set(broken.map(({ name }) => name))).toEqual(plain.broken);
  });
});

it("values of parameters are checked", () => {
  expect(() => valuesOf(modelNamed("pml"), { pages: 5 })).toThrow("whole number from 1 to 4");
  expect(() => valuesOf(modelNamed("pml"), { page: 2 })).toThrow('did you mean "pages"');
});
