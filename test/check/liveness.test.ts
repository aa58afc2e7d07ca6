import { describe, expect, it } from "vitest";
import { createMachine } from "xstate";
import { actorModel } from "../../src/check/actorModel.ts";
import type { ActorState } from "../../src/check/actors/spec.ts";
import { Exploration } from "../../src/check/engine/exploration.ts";
import type { Model } from "../../src/check/engine/model.ts";
import { over, type Property } from "../../src/check/properties/property.ts";
import { type PropertyResult, verdictsOf } from "../../src/check/verdicts.ts";

type Transitions = Readonly<Record<string, readonly string[]>>;

/** One machine that moves as the graph says, by its own decisions (a board offers each for ever, fairly). */
function graphModel(graph: Transitions, properties: readonly Property[], fair: boolean): Model {
  const names = Object.keys(graph);
  const states = Object.fromEntries(
    names.map((name) => [
      name,
      { on: Object.fromEntries(graph[name]!.map((to) => [`to_${to}`, to])) },
    ]),
  );
  const events = names.map((name) => ({ type: `to_${name}` }));
  const walker = createMachine({ id: "walker", initial: names[0]!, states });
  const sender = createMachine({ id: "sender", initial: "on", states: { on: {} } });
  const model = actorModel({
    name: "graph",
    actors: {
      walker: { machine: walker, choices: fair ? [] : events },
      sender: { machine: sender },
    },
    wires: [{ from: "sender", event: "go", to: ["walker"], kind: "shared" }],
    properties,
  });
  if (fair) {
    for (const event of events) {
      const message = model.messages.intern(event);
      model.initial[2] = model.channels[2]!.append(model.initial[2]!, message);
    }
  }
  return model;
}

const at = (...states: string[]) =>
  over(["walker"], ({ value }: ActorState) => states.includes(value as string));

function judge(graph: Transitions, property: Property, fair = true): PropertyResult {
  const exploration = new Exploration(graphModel(graph, [property], fair));
  exploration.run();
  return verdictsOf(exploration)[0]!;
}

const eventually = (...states: string[]): Property => {
  return { kind: "eventually", name: "it comes", that: at(...states) };
};

describe("eventually", () => {
  it("is not fooled by a join: a state reached both with and without the goal (Stateright's first FIXME)", () => {
    // The run through b has seen the goal when it comes to c; the run through a has not.
    const join = { start: ["a", "b"], a: ["c"], b: ["c"], c: [] };
    expect(judge(join, eventually("b")).verdict).toBe("violated");
  });

  it("sees that a cycle never ends (Stateright's second FIXME)", () => {
    const cycle = { start: ["round"], round: ["start"], goal: [] };
    const { verdict, run } = judge(cycle, eventually("goal"));
    expect(verdict).toBe("violated");
    expect(run!.cycle.length).toBe(2);
  });

  it("holds where every way leads to the goal", () => {
    expect(
      judge({ start: ["a", "b"], a: ["goal"], b: ["goal"], goal: [] }, eventually("goal")).verdict,
    ).toBe("holds");
  });

  it("holds on a cycle that fairness leaves", () => {
    expect(judge({ start: ["start", "goal"], goal: [] }, eventually("goal")).verdict).toBe("holds");
  });

  it("is violated where nothing obliges the step: a run may stop (stuttering)", () => {
    expect(judge({ start: ["goal"], goal: [] }, eventually("goal"), false).verdict).toBe(
      "violated",
    );
  });

  it("is vacuous where the goal holds from the start", () => {
    expect(judge({ start: [] }, eventually("start")).verdict).toBe("vacuous");
  });
});

describe("leadsTo", () => {
  const leadsTo = (from: string, to: string): Property => {
    return { kind: "leadsTo", name: "answered", when: at(from), that: at(to) };
  };

  it("binds the states after the first alone", () => {
    const graph = { start: ["start", "asked"], asked: ["answered"], answered: [] };
    expect(judge(graph, leadsTo("asked", "answered")).verdict).toBe("holds");
  });

  it("is violated by a question that can be forgotten, and shows the shortest way", () => {
    const graph = { start: ["asked"], asked: ["answered", "lost"], answered: [], lost: [] };
    const { verdict, run } = judge(graph, leadsTo("asked", "answered"));
    expect(verdict).toBe("violated");
    expect(run!.edges.length).toBe(2);
  });

  it("is vacuous where nobody asks", () => {
    expect(
      judge({ start: [], asked: [], answered: [] }, leadsTo("asked", "answered")).verdict,
    ).toBe("vacuous");
  });
});

describe("always", () => {
  it("is vacuous where what it speaks of never happens", () => {
    const property: Property = { kind: "always", name: "x", when: at("goal"), that: at("goal") };
    expect(judge({ start: [], goal: [] }, property).verdict).toBe("vacuous");
  });
});
