/** The library on other people's machines: a lock server with two clients. */
import { expect, it } from "vitest";
import { emit, setup } from "xstate";
import { actorModel } from "../../src/check/actorModel.ts";
import type { ActorState } from "../../src/check/actors/spec.ts";
import { Exploration } from "../../src/check/engine/exploration.ts";
import type { Model } from "../../src/check/engine/model.ts";
import { over } from "../../src/check/properties/property.ts";
import { verdictsOf } from "../../src/check/verdicts.ts";
import { plainSearch } from "./plainSearch.ts";

function client(name: string) {
  return setup({
    actions: { ask: emit({ type: `ask${name}` }), release: emit({ type: `release${name}` }) },
  }).createMachine({
    id: "client",
    initial: "idle",
    states: {
      idle: { on: { want: { target: "waiting", actions: "ask" } } },
      waiting: { on: { [`grant${name}`]: "holding" } },
      holding: { on: { done: { target: "idle", actions: "release" } } },
    },
  });
}

/** @param forgets the server grants the lock although it is held */
function server(forgets: boolean) {
  return setup({
    actions: { grantA: emit({ type: "grantA" }), grantB: emit({ type: "grantB" }) },
  }).createMachine({
    id: "server",
    initial: "free",
    states: {
      free: {
        on: {
          askA: { target: "heldByA", actions: "grantA" },
          askB: { target: "heldByB", actions: "grantB" },
        },
      },
      heldByA: {
        on: {
          releaseA: "free",
          askB: forgets ? { target: "heldByB", actions: "grantB" } : "heldByAWanted",
        },
      },
      heldByAWanted: { on: { releaseA: { target: "heldByB", actions: "grantB" } } },
      heldByB: { on: { releaseB: "free", askA: "heldByBWanted" } },
      heldByBWanted: { on: { releaseB: { target: "heldByA", actions: "grantA" } } },
    },
  });
}

function lockServer(forgets: boolean): Model {
  const is = (...values: readonly string[]) => {
    return ({ value }: ActorState) => values.includes(String(value));
  };
  const choices = [{ type: "want" }, { type: "done" }];
  return actorModel({
    name: "lock-server",
    actors: {
      server: { machine: server(forgets) },
      A: { machine: client("A"), choices },
      B: { machine: client("B"), choices },
    },
    wires: ["A", "B"].flatMap((name) => [
      { from: name, event: `ask${name}`, to: ["server"] },
      { from: name, event: `release${name}`, to: ["server"] },
      { from: "server", event: `grant${name}`, to: [name] },
    ]),
    properties: [
      {
        kind: "always",
        name: "one holds the lock",
        that: over(
          ["A", "B"],
          (a: ActorState, b: ActorState) => !(is("holding")(a) && is("holding")(b)),
        ),
      },
      { kind: "sometimes", name: "B holds it", that: over(["B"], is("holding")) },
      {
        kind: "leadsTo",
        name: "who asks is answered, if nobody keeps it",
        when: over(["A"], is("waiting")),
        that: over(
          ["A", "B"],
          (a: ActorState, b: ActorState) => !is("waiting")(a) || is("holding")(b),
        ),
      },
    ],
  });
}

it("a lock server is right", () => {
  const exploration = new Exploration(lockServer(false));
  exploration.run();
  expect(verdictsOf(exploration).map(({ verdict }) => verdict)).toEqual([
    "holds",
    "holds",
    "holds",
  ]);
  expect(exploration.distinct).toBe(plainSearch(lockServer(false)).distinct);
});

it("one that forgets who has the lock is not, and the shortest run says so", () => {
  const exploration = new Exploration(lockServer(true));
  exploration.run();
  const [mutex] = verdictsOf(exploration);
  // Two wants, two requests taken, two grants taken.
  expect([mutex!.verdict, mutex!.run!.edges.length]).toEqual(["violated", 6]);
});
