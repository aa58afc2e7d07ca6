/** A search with symmetry has a state for each orbit, and comes to the verdicts of the full search. */
import { describe, expect, it } from "vitest";
import { buildModel, type CheckTarget } from "../../src/check/catalogue.ts";
import { canonical } from "../../src/check/engine/encoding.ts";
import { Exploration } from "../../src/check/engine/exploration.ts";
import { load, loadIds } from "../../src/check/engine/explored.ts";
import type { Model, Renaming, RenamingGroup } from "../../src/check/engine/model.ts";
import { StateRenaming } from "../../src/check/engine/stateRenaming.ts";
import { symmetryOf } from "../../src/check/engine/symmetryOf.ts";
import { holdsAt } from "../../src/check/properties/evaluate.ts";
import type { Predicate, Property } from "../../src/check/properties/property.ts";
import { verdictsOf } from "../../src/check/verdicts.ts";
import { IS_ALL, shareOf } from "../share.ts";
import { furtherModels } from "./furtherModels.ts";

type Values = Readonly<Record<string, number>>;
const targetOf = (model: string, set: Values, mutation: string | null = null): CheckTarget => ({
  model,
  set,
  mutation,
});

function explore(target: CheckTarget, options: object): Exploration {
  const exploration = new Exploration(buildModel(target), {
    ...options,
    bounds: { states: 80_000 },
  });
  exploration.run();
  return exploration;
}

/** Small enough to look at many states with all their images, and with something to exchange. */
const NAMED: readonly (readonly [string, Values])[] = [
  ["pml", { pages: 3, reads: 0, harvests: 0 }],
  ["pml", { pages: 3, reads: 0, log: 1, levels: 2, harvests: 0 }],
  ["pml-halts", { harvests: 0 }],
  ["pml-two-vcpus", { pages: 1, harvests: 0 }],
  ["pml-three-vcpus", { pages: 1 }],
  ["pml-crowded", { pages: 2, harvests: 0 }],
  ["prl", { pages: 2, reads: 0, log: 2, harvests: 0 }],
  ["prl-two-logs", { pages: 3, log: 1, harvests: 0 }],
  ["prl-counts", { log: 2, harvests: 0 }],
  ["write-protection-two-vcpus", { pages: 1, harvests: 0 }],
  ["write-protection-large-leaves", { pages: 4, harvests: 0 }],
  ["write-protection-lazy-types", { pages: 1 }],
  ["accessed-dirty-scan", { pages: 2 }],
  ["machine-unit-interrupts", { harvests: 0 }],
  ["dirty-ring-two-vcpus", { pages: 1 }],
  ["dirty-ring-pml", { pages: 2, harvests: 0 }],
  ["checkpoint-stop", { pages: 2, times: 1 }],
];

/** Too large for that; what the search itself checks is all there is here. */
const LARGER: readonly (readonly [string, Values])[] = [
  ["pml-two-vcpus", { pages: 2, harvests: 0 }],
  ["pml-two-vcpus", { pages: 1, harvests: 1 }],
  ...(IS_ALL ? ([["checkpoint", { pages: 2 }]] as const) : []),
  // Pages are not alike here, and vCPUs are.
  ["migration-write-protection", { pages: 1, vcpus: 2, aborts: 0, fails: 0 }],
  ["estimate-prl", { pages: 2, reads: 0, log: 1 }],
  ["pml-device", { pages: 2, harvests: 0 }],
];

/** Of these every state of the full search in the time of a test is too much, in any size with symmetry. */
const TOO_LARGE = [
  ...(IS_ALL ? [] : ["checkpoint", "checkpoint-diff"]),
  "checkpoint-write-protection",
  "operator",
  "estimate-pml",
  "prl-two-vms",
  "prl-two-pvm-cpus",
  "prl-two-vcpus",
  "dirty-ring-both-full",
];
/** Nothing is alike in these, as they are by default: there is one vCPU, and pages go by their numbers. */
const WITHOUT = [
  "migration",
  "migration-rounds",
  "migration-throttled",
  "migration-device",
  "postcopy",
  "postcopy-recovery",
  "pml-lazy-types",
  "dirty-ring-device",
  "pml-hypervisor",
  "vhost",
  // Its vCPUs wait in turn.
  "dirty-ring-hypervisor",
  "write-protection-two-vms",
  "paging",
  "paging-two-vms",
  "paging-write-protection",
  "paging-scan",
  "paging-pml",
  "write-protection-in-pieces",
  "pml-in-pieces",
  "operator-in-pieces",
  "dirty-ring-in-pieces",
  "scan-in-pieces",
  "slots",
  "pml-slots",
  "slots-in-pieces",
];
const SMALL = [
  ...NAMED,
  ...furtherModels([
    ...[...NAMED, ...LARGER].map(([name]) => name),
    ...TOO_LARGE,
    ...WITHOUT,
    // Its members are alike; calls name their pages and their users, and nothing is.
    "two-phase-commit",
    "shared-log",
    "xen-log-dirty",
    "host-pages",
  ]),
];

const groupOf = (model: Model): RenamingGroup => {
  if (model.symmetry === undefined || "members" in model.symmetry) throw new Error("no group");
  return model.symmetry;
};

/**
 * Orbits of the states of a full search: a state is the set of what its slots hold, as text (each text has a
 * number of its own). Nothing of the engine is asked.
 */
function countOrbits({ model, states, expander }: Exploration): number {
  const numbers = new Map<string, number>();
  const partOf = (rename: Renaming | null) => {
    const known: number[][] = model.slots.map(() => []);
    return (slot: number, id: number): number => {
      const found = known[slot]![id];
      if (found !== undefined) return found;
      const text = renamedText(model, rename, slot, id);
      // Nothing, of an empty channel, is not there.
      const number = text === "" ? -1 : (numbers.get(text) ?? numbers.size);
      if (text !== "") numbers.set(text, number);
      known[slot]![id] = number;
      return number;
    };
  };
  const images = [null, ...groupOf(model).renamings].map(partOf);
  const orbits = new Set<string>();
  for (let state = 0; state < states.count; state++) {
    load({ model, states, expander }, state);
    const texts = images.map((part) => {
      const parts = Int32Array.from(expander.ids, (id, slot) => part(slot, id));
      return parts
        .filter((number) => number >= 0)
        .sort()
        .join(" ");
    });
    orbits.add(texts.reduce((least, text) => (text < least ? text : least)));
  }
  return orbits.size;
}

/** What a slot holds, with its name; empty for an empty channel. */
function renamedText(model: Model, rename: Renaming | null, slot: number, id: number): string {
  const { name, values } = model.slots[slot]!;
  const image = rename?.slot(name) ?? name;
  const channel = model.channels[slot] ?? null;
  if (channel === null) {
    return `${image}: ${canonical(rename?.value(name, values[id]) ?? values[id])}`;
  }
  if (id === 0) return "";
  const waiting = channel.values[id]!.map((number) => {
    const message = model.messages.values[number]!;
    return canonical(rename?.message(name, message) ?? message);
  });
  if (channel.kind !== "fifo") waiting.sort();
  return `${image}: ${waiting.join(" ")}`;
}

const isSafety = ({ kind }: { readonly kind: string }): boolean =>
  kind !== "leadsTo" && kind !== "eventually";
const verdicts = (exploration: Exploration) =>
  verdictsOf(exploration)
    .filter(isSafety)
    .map(({ name, verdict }) => `${name}: ${verdict}`);

it.each(shareOf([...SMALL, ...LARGER], 2))("counts the orbits of %s with %j", (name, set) => {
  const target = targetOf(name, set);
  const full = explore(target, {});
  const breadth = explore(target, { symmetry: true });
  const depth = explore(target, { symmetry: true, order: "depth" });
  expect([full, breadth, depth].map(({ ending }) => ending)).not.toContain("bound");
  const orbits = countOrbits(full);
  expect([breadth.distinct, depth.distinct]).toEqual([orbits, orbits]);
  expect(orbits).toBeLessThan(full.distinct);
  expect(breadth.depth).toBe(full.depth);
  expect(verdicts(breadth)).toEqual(verdicts(full));
});

/** What a predicate becomes: that of the property with the other name. */
function predicateOf(property: Property, which: "when" | "that"): Predicate | null {
  return which in property ? ((property as { that: Predicate })[which as "that"] ?? null) : null;
}

const STATES_LOOKED_AT = 500;

describe("a state of an orbit does what the others do, and is judged as they are", () => {
  it.each(shareOf(SMALL, 2, 2))("%s with %j", (name, set) => {
    const full = explore(targetOf(name, set), {});
    const { model, states, expander } = full;
    const group = groupOf(model);
    const symmetry = symmetryOf(model);
    const renamings = group.renamings.map((one) => new StateRenaming(model, group, one));
    const orbitsAfter = (ids: Int32Array): string => {
      loadIds(expander, ids);
      const orbits = Array.from({ length: expander.count }, (_, step) => {
        const next = expander.ids.slice();
        expander.apply(step, next);
        symmetry.adapt();
        const least = new Int32Array(model.slots.length);
        least.set(next);
        symmetry.canonicalize(least);
        return `${expander.brokenBits(step)}: ${least.join(" ").replace(/( 0)+$/, "")}`;
      });
      return [...new Set(orbits)].sort().join("\n");
    };
    const judgedBy = (ids: Int32Array, rename: (name: string) => string): unknown[] =>
      model.properties.flatMap((property) => {
        const image = model.properties.find((one) => one.name === rename(property.name))!;
        return (["when", "that"] as const).map((which) => {
          const predicate = predicateOf(image, which);
          return predicate === null ? null : holdsAt(model, predicate, ids);
        });
      });
    const stride = Math.ceil(states.count / STATES_LOOKED_AT);
    for (let state = 0; state < states.count; state += stride) {
      load(full, state);
      const ids = expander.ids.slice();
      const [after, judged] = [orbitsAfter(ids), judgedBy(ids, (name) => name)];
      for (const one of renamings) {
        one.adapt();
        const image = new Int32Array(model.slots.length);
        one.apply(ids, image);
        const isSame = orbitsAfter(image) === after;
        const isJudged = String(judgedBy(image, (name) => one.renaming.property(name)));
        expect([one.renaming.what, isSame, isJudged]).toEqual([
          one.renaming.what,
          true,
          String(judged),
        ]);
        expect(model.isFinal(image)).toBe(model.isFinal(ids));
      }
    }
  });
});

it("keeps every state where nothing is alike, and the report says why; where it is too large, it begins", () => {
  for (const name of TOO_LARGE) {
    const model = buildModel(targetOf(name, {}));
    const exploration = new Exploration(model, { symmetry: true, bounds: { states: 2000 } });
    expect([name, exploration.run()]).toEqual([name, "bound"]);
  }
  for (const name of WITHOUT) {
    const [full, reduced] = [false, true].map((symmetry) => {
      const model = buildModel(targetOf(name, {}));
      const exploration = new Exploration(model, { symmetry, bounds: { states: 300 } });
      exploration.run();
      return exploration;
    });
    expect([name, reduced?.distinct]).toEqual([name, full?.distinct]);
    // With one page there is nothing that could be.
    expect(reduced?.symmetry?.remark).toMatch(
      /^nothing is alike, (.* pages are not alike|and every state is kept)/,
    );
  }
});
