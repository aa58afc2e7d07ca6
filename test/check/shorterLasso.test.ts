import { expect, it } from "vitest";
import { createMachine, emit } from "xstate";
import { actorModel } from "../../src/check/actorModel.ts";
import type { ActorState } from "../../src/check/actors/spec.ts";
import { Exploration } from "../../src/check/engine/exploration.ts";
import { type Explored, load } from "../../src/check/engine/explored.ts";
import type { Edge } from "../../src/check/properties/liveness.ts";
import { over } from "../../src/check/properties/property.ts";
import { shorterLasso } from "../../src/check/properties/shorterLasso.ts";

const asker = createMachine({
  id: "asker",
  initial: "idle",
  states: {
    idle: { on: { ask: "asked", note: {} } },
    asked: { on: { answer: "answered", note: {} } },
    answered: {},
  },
});
/** Goes on and off; or sends a note, and spins from then on. */
const other = createMachine({
  id: "other",
  initial: "off",
  states: {
    off: { on: { on: "on", send: { target: "sent", actions: emit({ type: "note" }) } } },
    on: { on: { off: "off" } },
    sent: { on: { spin: "spun" } },
    spun: { on: { spin: "sent" } },
  },
});

const when = over(["asker"], ({ value }: ActorState) => value === "asked");
const that = over(["asker"], ({ value }: ActorState) => value === "answered");

function explored(): Exploration {
  const model = actorModel({
    name: "asker",
    actors: {
      asker: { machine: asker, choices: [{ type: "ask" }, { type: "answer" }] },
      other: {
        machine: other,
        choices: ["on", "off", "send", "spin"].map((type) => ({ type })),
      },
    },
    wires: [{ from: "other", event: "note", to: ["asker"] }],
    properties: [{ kind: "leadsTo", name: "answered", when, that }],
  });
  const exploration = new Exploration(model);
  exploration.run();
  return exploration;
}

/** The run in which these messages are taken, in this order. */
function walk(exploration: Explored, from: number, types: readonly string[]): Edge[] {
  const { expander, states, model } = exploration;
  const edges: Edge[] = [];
  let at = from;
  for (const type of types) {
    const base = load(exploration, at);
    const packed = new Int32Array(states.layout.words);
    const step = Array.from({ length: expander.count }, (_, i) => i).find((i) => {
      const { message } = expander.transitions;
      return model.messages.values[message[expander.step[i]!]!]!.type === type;
    })!;
    expander.applyPacked(step, states.layout, base, 0, packed, 0);
    const to = states.find(packed, expander.hash);
    edges.push({ from: at, step, to });
    at = to;
  }
  return edges;
}

it.each([
  ["what only others did is left out", ["on", "ask", "off"], [], 1],
  ["a message is left out with what it led to", ["send", "note", "ask"], [], 1],
  ["what the cycle needs stays", ["on", "ask"], ["off", "on"], 2],
  ["a round of the same before it is left out", ["on", "off", "ask"], ["on", "off"], 1],
  ["what would be owed for ever stays taken", ["send", "note", "ask"], ["spin", "spin"], 3],
] as const)("%s", (_, stem, cycle, left) => {
  const exploration = explored();
  const edges = walk(exploration, 0, stem);
  const round = walk(exploration, edges.at(-1)!.to, cycle);
  const work = shorterLasso(exploration, { edges, cycle: round }, that, when);
  let piece = work.next();
  while (piece.done !== true) piece = work.next();
  const shorter = piece.value;
  expect(shorter.edges.length).toBe(left);
  expect(shorter.cycle.length).toBe(cycle.length);
  const way = [...shorter.edges, ...shorter.cycle];
  expect(way.map(({ from }) => from)).toEqual([0, ...way.slice(0, -1).map(({ to }) => to)]);
});
