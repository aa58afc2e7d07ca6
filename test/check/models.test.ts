import { describe, expect, it } from "vitest";
import { buildModel, MODELS, modelNamed, valuesOf } from "../../src/check/catalogue.ts";
import { Exploration } from "../../src/check/engine/exploration.ts";
import { verdictsOf } from "../../src/check/verdicts.ts";
import { plainSearch } from "./plainSearch.ts";

type Values = Readonly<Record<string, number>>;

function explore(model: string, set: Values, debug = false): Exploration {
  const exploration = new Exploration(buildModel({ model, set, mutation: null }, debug));
  exploration.run();
  return exploration;
}

/** The models in a size that takes a second: all properties are proved on all of these. */
const PROVED: readonly (readonly [string, Values])[] = [
  ["pml", {}],
  ["prl", { pages: 2 }],
  ["write-protection", { reads: 0 }],
  ["present-bit", { reads: 0 }],
  ["accessed-dirty-scan", {}],
  ["dirty-ring", {}],
  ["dirty-ring-pml", {}],
  ["migration", {}],
  ["prl-two-vms", { pages: 2, log: 1 }],
];

/** And smaller still: a search that works out every step of every state. */
const PLAIN: readonly (readonly [string, Values])[] = [
  ["pml", { pages: 2, reads: 0, log: 1, harvests: 0 }],
  ["prl", { pages: 2, reads: 0, log: 1, harvests: 0 }],
  ["write-protection", { pages: 2, reads: 0, harvests: 0 }],
  ["dirty-ring", { pages: 2, reads: 0, harvests: 0 }],
];

describe("every property holds", () => {
  it.each(PROVED)("on %s with %o", (name, set) => {
    const exploration = explore(name, set);
    expect(exploration.ending).toBe("complete");
    const bad = verdictsOf(exploration).filter(({ verdict }) => verdict !== "holds");
    expect(bad.map(({ name: property, verdict }) => `${property}: ${verdict}`)).toEqual([]);
  });
});

describe("the explorer finds what a plain search finds", () => {
  it.each(PLAIN)("on %s with %o", (name, set) => {
    const exploration = explore(name, set);
    const plain = plainSearch(buildModel({ model: name, set, mutation: null }));
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

describe("nothing depends on what is no state", () => {
  it.each(MODELS.filter(({ system }) => system !== null))("in $name", ({ name }) => {
    const model = buildModel({ model: name, set: {}, mutation: null }, true);
    const exploration = new Exploration(model, { bounds: { states: 6_000 } });
    exploration.run();
    expect(exploration.expander.steps.misses).toBeGreaterThan(30);
  });
});

it("values of parameters are checked", () => {
  expect(() => valuesOf(modelNamed("pml"), { pages: 5 })).toThrow("whole number from 2 to 4");
  expect(() => valuesOf(modelNamed("pml"), { page: 2 })).toThrow('did you mean "pages"');
});
