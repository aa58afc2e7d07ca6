/** A search that leaves out steps comes to the verdicts of one that takes all. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { createMachine, emit, setup } from "xstate";
import { actorModel } from "../../src/check/actorModel.ts";
import type { ActorState } from "../../src/check/actors/spec.ts";
import { buildModel } from "../../src/check/catalogue.ts";
import { CheckRun } from "../../src/check/checkRun.ts";
import { Exploration } from "../../src/check/engine/exploration.ts";
import type { Model } from "../../src/check/engine/model.ts";
import { over } from "../../src/check/properties/property.ts";
import { verdictsOf } from "../../src/check/verdicts.ts";
import { IS_ALL, shareOf } from "../share.ts";
import { furtherModels } from "./furtherModels.ts";
import { modelOf, type RandomModel, randomModels } from "./randomModel.ts";

function explore(model: Model, partialOrder: boolean, states = 20_000): Exploration {
  const bounds = { states };
  const exploration = new Exploration(model, { partialOrder, keepGoing: true, bounds });
  exploration.run();
  return exploration;
}

const verdicts = (exploration: Exploration) =>
  verdictsOf(exploration).map(({ name, verdict }) => `${name}: ${verdict}`);

it("on random models: the same verdicts, from no more states, and mostly from fewer", () => {
  let [whole, kept, models] = [0, 0, 0];
  fc.assert(
    fc.property(randomModels(4), (random) => {
      const full = explore(modelOf(random), false);
      if (full.ending !== "complete") return;
      const reduced = explore(modelOf(random), true);
      expect(reduced.ending).toBe("complete");
      expect(verdicts(reduced)).toEqual(verdicts(full));
      expect(reduced.distinct).toBeLessThanOrEqual(full.distinct);
      models += 1;
      whole += full.distinct;
      kept += reduced.distinct;
    }),
    { numRuns: 850, seed: 1 },
  );
  expect(models).toBeGreaterThan(800);
  expect(kept).toBeLessThan(whole);
});

const SMALLEST = { pages: 1, log: 1, reads: 0 };
const judged = (exploration: Exploration) =>
  verdictsOf(exploration)
    .filter(({ kind }) => kind !== "leadsTo" && kind !== "eventually")
    .map(({ name, verdict }) => `${name}: ${verdict}`);

/** Not in the time of a test, in any size. */
const TOO_LARGE = [
  "operator-in-pieces",
  "operator",
  "slots",
  "pml-slots",
  "prl-two-vms",
  "pml-three-vcpus",
  "prl-two-pvm-cpus",
  "prl-two-vcpus",
  "dirty-ring-both-full",
  ...(IS_ALL ? [] : ["dirty-ring-hypervisor"]),
  "write-protection-two-vms",
  "migration-throttled",
  "migration-device",
  "postcopy-recovery",
  "paging-two-vms",
  "paging-write-protection",
  "paging-scan",
  "paging-pml",
];

/** Other models small, and planted faults that break safety. */
const NAMED: readonly (readonly [string, Readonly<Record<string, number>>, string?])[] = [
  ["pml", { pages: 2, reads: 0, log: 1 }],
  ["pml-halts", { harvests: 0 }],
  ["pml-two-vcpus", { ...SMALLEST, harvests: 0 }],
  ["prl", { pages: 2, reads: 0, log: 1, harvests: 0 }],
  ["prl-two-logs", { pages: 3, log: 1, harvests: 0 }],
  ["prl-counts", { log: 2, harvests: 0 }],
  ["write-protection", { pages: 2, reads: 0 }],
  ["write-protection-two-vcpus", { ...SMALLEST, harvests: 0 }],
  ["write-protection-lazy-types", { pages: 1, reads: 0, harvests: 0 }],
  ["present-bit", { pages: 2, reads: 0 }],
  ["accessed-dirty-scan", { pages: 2 }],
  ["machine-unit-interrupts", { harvests: 0 }],
  ["dirty-ring-two-vcpus", SMALLEST],
  ["dirty-ring-pml", { pages: 2, harvests: 0 }],
  ["dirty-ring-in-pieces", { harvests: 0 }],
  ...(IS_ALL ? ([["dirty-ring-hypervisor", {}]] as const) : []),
  ["write-protection-in-pieces", { harvests: 0 }],
  ["pml-in-pieces", { harvests: 0 }],
  ["scan-in-pieces", IS_ALL ? {} : { harvests: 0 }],
  ["migration", SMALLEST],
  ["migration-rounds", { ...SMALLEST, rounds: 2, fails: 0 }],
  ["pml-crowded", { ...SMALLEST, harvests: 0 }],
  ["migration-write-protection", SMALLEST],
  ["checkpoint-write-protection", SMALLEST],
  ["paging", { balloons: 0 }],
  ["write-protection-large-leaves", { pages: 2, reads: 1, harvests: 0 }],
  ["checkpoint", SMALLEST],
  ["checkpoint-stop", { ...SMALLEST, times: 1 }],
  ["checkpoint-diff", { ...SMALLEST, times: 2 }],
  ["estimate-prl", SMALLEST],
  ["estimate-pml", SMALLEST],
  ["two-phase-commit", { managers: 3 }],
  ["pml", { pages: 2, reads: 0, log: 1 }, "clear-before-drain"],
  ["pml", { pages: 1, reads: 0, log: 1 }, "skip-invept"],
  ["pml", { pages: 2, reads: 0, log: 1 }, "log-full-not-told"],
  ["write-protection", { pages: 1, reads: 0 }, "acknowledge-without-flush"],
  ["migration", SMALLEST, "last-harvest-empty"],
];

/** One actor that is called has nothing to be put off for; of two-phase commit everything is seen by all. */
const WITHOUT_PARTS = ["two-phase-commit", "shared-log", "xen-log-dirty", "host-pages"];
const MODELS_SMALL = [...NAMED, ...furtherModels([...TOO_LARGE, ...NAMED.map(([name]) => name)])];
const SMALL = MODELS_SMALL.map(([model, set, fault = "no fault"]) => ({ model, set, fault }));

it.each(shareOf(SMALL, 2, 2))("on $model with $set and $fault", ({ model, set, fault }) => {
  const target = { model, set, mutation: fault === "no fault" ? null : fault };
  const full = explore(buildModel(target), false, 60_000);
  const reduced = explore(buildModel(target), true, 60_000);
  expect([full.ending, reduced.ending]).toEqual(["complete", "complete"]);
  expect(judged(reduced)).toEqual(judged(full));
  if (WITHOUT_PARTS.includes(model)) expect(reduced.distinct).toBe(full.distinct);
  else expect(reduced.distinct).toBeLessThan(full.distinct);
});

/** At first nobody knows that the sender's second step sends: the search is done again. */
it("counts with steps that it learns of after it left others out", () => {
  const taker = createMachine({
    id: "taker",
    initial: "idle",
    states: { idle: { on: { go: "gone", word: "caught" } }, gone: {}, caught: {} },
  });
  const sender = setup({ actions: { send: emit({ type: "word" }) } }).createMachine({
    id: "sender",
    initial: "first",
    states: {
      first: { on: { go: "second" } },
      second: { on: { go: { target: "third", actions: "send" } } },
      third: {},
    },
  });
  const choices = [{ type: "go" }];
  const model = actorModel({
    name: "late word",
    actors: { taker: { machine: taker, choices }, sender: { machine: sender, choices } },
    wires: [{ from: "sender", event: "word", to: ["taker"] }],
    properties: [
      {
        kind: "always",
        name: "never caught",
        that: over(["taker"], ({ value }: ActorState) => value !== "caught"),
      },
    ],
  });
  expect(verdicts(explore(model, true))).toEqual(["never caught: violated"]);
});

const STEP = { from: 0, message: -1, memory: -1, sendsAt: 2, breaks: false } as const;
const QUEUE = { from: 0, to: 0, kind: "fifo", coalesces: false, immediate: false } as const;

it("keeps the orders of two senders into one queue", () => {
  const sender = (message: number) =>
    ({ ...STEP, next: [1, 1], stores: [0, 0], sends: [[0, message]] }) as const;
  const takes = (message: number, next: number) =>
    ({ ...STEP, message, next: [next, next], stores: [0, 0], sends: [] }) as const;
  const random: RandomModel = {
    components: [[sender(0)], [sender(1)], [takes(0, 2), takes(1, 1)]],
    channels: [{ ...QUEUE, to: 2, alsoTo: 0 }],
    waiting: [2],
    // Only if the second sender's message comes first.
    never: [
      [2, 1],
      [0, 0],
    ],
    memoryNever: 0,
  };
  expect(verdicts(explore(modelOf(random), true))).toContain("never: violated");
});

it("keeps the orders of setting a pending bit and taking it", () => {
  const step = { ...STEP, stores: [0, 0], sends: [] } as const;
  const random: RandomModel = {
    components: [
      [
        { ...step, message: 0, next: [1, 1] },
        { ...step, from: 1, message: 0, next: [2, 2] },
        { ...step, from: 2, next: [2, 2] },
      ],
      [{ ...step, next: [1, 1], sends: [[0, 0]] }],
    ],
    channels: [{ ...QUEUE, coalesces: true, alsoTo: 0 }],
    waiting: [0],
    never: [
      [0, 2],
      [0, 0],
    ],
    memoryNever: 0,
  };
  // Set twice before it is taken, it is one: the taker waits for another for ever.
  expect(verdicts(explore(modelOf(random), true))).toContain("no deadlock: violated");
});

it("judges no liveness, and says so", () => {
  const reduced = explore(buildModel({ model: "pml", set: SMALLEST, mutation: null }), true);
  const live = verdictsOf(reduced).filter(({ kind }) => kind === "leadsTo");
  expect(new Set(live.map(({ verdict }) => verdict))).toEqual(new Set(["open"]));
  expect(reduced.remarks).toContain("liveness is not judged with --por");
});

it("is refused beside what it does not go with", () => {
  const target = { model: "pml", set: SMALLEST, mutation: null };
  const refusals = [
    { order: "depth" },
    { order: "random" },
    { bitstate: 20 },
    { workers: 2 },
    { symmetry: true },
  ] as const;
  for (const options of refusals) {
    expect(() => new CheckRun(target, { ...options, partialOrder: true })).toThrow("--por");
  }
  expect(() => new CheckRun(target, { partialOrder: true }).save()).toThrow("--por");
});
