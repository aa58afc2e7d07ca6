/** What machines could do, by every branch of their definitions, some model does; or there is a reason why not. */
import { expect, it } from "vitest";
import { assign, createMachine, setup } from "xstate";
import { actorModel } from "../../src/check/actorModel.ts";
import { buildModel, MODELS, modelNamed } from "../../src/check/catalogue.ts";
import { Coverage, type MachineCoverage } from "../../src/check/coverage.ts";
import { Exploration, type ExplorationOptions } from "../../src/check/engine/exploration.ts";
import type { Model } from "../../src/check/engine/model.ts";
import { judgeCoverage } from "../../src/check/neverTaken.ts";

function coverageOf(model: Model, options: ExplorationOptions): readonly MachineCoverage[] {
  const exploration = new Exploration(model, { ...options, keepGoing: true });
  const coverage = new Coverage(model, exploration.expander.steps);
  exploration.run();
  return coverage.report();
}

/** How many states are looked at: breadth first in its own size; depth first in a small one. */
const FARTHER: Readonly<Record<string, number>> = {
  operator: 30_000,
  "operator-in-pieces": 60_000,
  "estimate-prl": 30_000,
  "migration-throttled": 150_000,
  "prl-two-vcpus": 20_000,
};
const STATES = 5_000;

it("every transition of the machines is taken by some model, or has a reason why not", {
  timeout: 600_000,
}, () => {
  const reports = MODELS.flatMap(({ name }) => {
    const { parameters } = modelNamed(name);
    const small = Object.fromEntries(
      parameters.filter(({ name: one }) => one === "pages").map(({ name: one }) => [one, 1]),
    );
    const target = { model: name, set: {}, mutation: null };
    return [
      coverageOf(buildModel(target), { bounds: { states: FARTHER[name] ?? STATES } }),
      coverageOf(buildModel({ ...target, set: small }), {
        order: "depth",
        bounds: { states: STATES },
      }),
    ];
  });
  expect(judgeCoverage(reports, true).wrong).toEqual([]);
});

const REPORT: MachineCoverage = {
  machine: "pmlUnit",
  states: 3,
  transitions: 4,
  statesSeen: 3,
  transitionsSeen: 2,
  unseenStates: [],
  unseenTransitions: ["full: pmlIndexReset", "off: pmlIndexReset"],
  takenTransitions: ["logging: pmlIndexReset", "off: enableLog"],
};

it("an exception that is met is an error, and so is one for what is not there", () => {
  const { wrong } = judgeCoverage([[REPORT]], true);
  expect(wrong.join("\n")).toMatch(/^pmlUnit, full: pmlIndexReset: no model takes it/m);
  expect(wrong.join("\n")).toMatch(/^pmlUnit, logging: pmlIndexReset: is taken, though/m);
  const without = { ...REPORT, takenTransitions: ["off: enableLog"] };
  expect(judgeCoverage([[without]], true).wrong.join("\n")).toMatch(
    /^pmlUnit has no transition "logging: pmlIndexReset"/m,
  );
  // Not all was explored: what was not met may be met yet.
  expect(judgeCoverage([[REPORT]], false).wrong.join()).not.toContain("no model takes it");
});

it("each branch of a transition counts for itself, met or not", () => {
  const counter = setup({
    types: { context: {} as { n: number }, events: {} as { type: "add" | "never" } },
    guards: { isFew: ({ context }) => context.n < 1, isMany: ({ context }) => context.n > 5 },
    actions: { add: assign({ n: ({ context }) => Math.min(2, context.n + 1) }) },
  }).createMachine({
    id: "counter",
    context: { n: 0 },
    initial: "on",
    on: { never: {} },
    states: {
      on: {
        on: {
          add: [
            { guard: "isFew", actions: "add" },
            { guard: "isMany", target: "off" },
            { actions: "add" },
            { guard: "isFew", target: "off" },
          ],
        },
      },
      off: {},
    },
  });
  const model = actorModel({
    name: "counting",
    actors: { counter: { machine: counter, choices: [{ type: "add" }] } },
    wires: [],
    properties: [],
  });
  expect(coverageOf(model, {})).toEqual([
    {
      machine: "counter",
      states: 2,
      // The fourth can never be taken: the third has no guard.
      transitions: 4,
      statesSeen: 1,
      transitionsSeen: 2,
      unseenStates: ["off"],
      unseenTransitions: ["any: never", "on: add [isMany]"],
      takenTransitions: ["on: add [isFew]", "on: add [otherwise]"],
    },
  ]);
});

it("states within states are named with those that they are in", () => {
  const nested = createMachine({
    id: "nested",
    initial: "a",
    states: {
      a: {
        initial: "b",
        states: { b: { on: { go: "c" } }, c: { on: { back: "b" } } },
        on: { out: "d" },
      },
      d: {},
    },
  });
  const model = actorModel({
    name: "nesting",
    actors: { nested: { machine: nested, choices: [{ type: "go" }, { type: "out" }] } },
    wires: [],
    properties: [],
  });
  const [seen] = coverageOf(model, {});
  expect(seen!.unseenTransitions).toEqual(["a.c: back"]);
  expect(seen!.unseenStates).toEqual([]);
});
