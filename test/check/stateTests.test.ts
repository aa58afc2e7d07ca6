/**
 * Tests of each machine, made by the explorer: one for every state and event that some explored run has
 * met. Each runs a real XState actor, interpreted by XState itself, from that state, and expects the state
 * that the explorer's local step has come to.
 */

import { describe, expect, it } from "vitest";
import { type AnyStateMachine, createActor } from "xstate";
import { buildModel } from "../../src/check/catalogue.ts";
import { Exploration } from "../../src/check/engine/exploration.ts";
import { PureMachine } from "../../src/interconnect/pureMachine.ts";
import type { ActorSnapshot } from "../../src/system/actors.ts";

interface StateTest {
  readonly machine: AnyStateMachine;
  readonly state: ActorSnapshot;
  readonly event: { readonly type: string };
}

const MODELS = [
  ["pml", { pages: 2, log: 1, reads: 0 }],
  ["prl", { pages: 2, reads: 0 }],
  ["dirty-ring", { pages: 2, reads: 0 }],
  ["migration", {}],
] as const;

/** The first of each state and event type that a machine has met, by "machine state event". */
function stateTests(): ReadonlyMap<string, StateTest> {
  const tests = new Map<string, StateTest>();
  for (const [name, set] of MODELS) {
    const model = buildModel({ model: name, set, mutation: null });
    const exploration = new Exploration(model);
    exploration.expander.steps.onMiss = (component, ids, message) => {
      const { slot, machine } = model.components[component]!;
      const state = model.slots[slot]!.values[ids[slot]!] as ActorSnapshot;
      const event = model.messages.values[message]!;
      const key = `${machine.id} ${state.value} ${event.type}`;
      if (!tests.has(key)) tests.set(key, { machine, state, event });
    };
    exploration.run();
  }
  return tests;
}

const tests = stateTests();
const machines = [...new Set([...tests.values()].map(({ machine }) => machine.id))];

it("covers the machines of the processor, the hypervisor and the toolstack", () => {
  expect(machines.sort()).toEqual(
    [
      "dispatcher",
      "migration",
      "mmu",
      "pmlUnit",
      "prlUnit",
      "pvmCpu",
      "sampler",
      "scheduler",
      "toolstack",
      "tracker",
      "vcpu",
    ].sort(),
  );
});

describe.each(machines)("%s", (machine) => {
  const own = [...tests].filter(([, test]) => test.machine.id === machine);
  it.each(own)("%s", (_, test) => {
    const emitted: unknown[] = [];
    const snapshot = test.machine.resolveState({
      value: test.state.value,
      context: test.state.context,
    });
    const actor = createActor(test.machine, { snapshot, input: {} });
    actor.on("*", (emission) => emitted.push(emission));
    actor.start();
    actor.send(test.event);
    const { value, context } = actor.getSnapshot();

    const foreseen = new PureMachine(test.machine).transition(test.state, test.event) ?? {
      ...test.state,
      emitted: [],
    };
    expect({ value, context, emitted }).toEqual(foreseen);
  });
});
