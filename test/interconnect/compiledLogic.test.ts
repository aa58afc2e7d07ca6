/**
 * The contract of the compiled logic: for every machine and every sequence of events, the same states,
 * contexts and emissions as XState's own interpreter and XState's public transition().
 */
import { existsSync, readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AnyActorLogic,
  type AnyEventObject,
  type AnyStateMachine,
  assign,
  createActor,
  createMachine,
  initialTransition,
  transition,
} from "xstate";
import {
  compileLogic,
  type LogicHost,
  UnhandledEventError,
  UnsupportedMachineError,
} from "../../src/interconnect/compiledLogic.ts";
import { ignored } from "../../src/interconnect/ignored.ts";
import { IS_ALL, IS_LONG } from "../share.ts";
import { type MachineCase, machineCases } from "./machineInputs.ts";

/**
 * Of 100,000 sequences a machine, a tenth in CI, which has 25 minutes for everything; else a sixteenth, with
 * TRACKVISOR_QUICK=1 a hundredth, and with TRACKVISOR_LONG=all all: four minutes.
 */
const LONG_REDUCTION = IS_ALL ? 1 : IS_LONG ? 10 : 16;
const REDUCTION = process.env["TRACKVISOR_QUICK"] === "1" ? 100 : LONG_REDUCTION;

/** Machines of one state, which has a way for each event. */
const TAKES_ALL = ["scheduler", "runState"];

interface Observation {
  readonly value: unknown;
  readonly context: object;
  readonly emitted: readonly unknown[];
}

/** Drives a live actor and notes what can be seen after each event. */
function observe(logic: AnyActorLogic, input: object, events: readonly AnyEventObject[]) {
  const emitted: unknown[] = [];
  const actor = createActor(logic, { input });
  actor.on("*", (emission) => emitted.push(emission));
  actor.start();
  const seen: Observation[] = [];
  const note = () => {
    const { value, context } = actor.getSnapshot() as { value: unknown; context: object };
    // A context may be written in place; what it holds is never changed (a test below sees to that).
    seen.push({ value, context: { ...context }, emitted: emitted.splice(0) });
  };
  note();
  for (const event of events) {
    actor.send(event);
    note();
  }
  actor.stop();
  return seen;
}

function observeTransitions({ machine, input }: MachineCase, events: readonly AnyEventObject[]) {
  const emissionsOf = (actions: readonly { type: string; params: unknown }[]) =>
    actions
      .filter(({ type }) => type === "xstate.emit")
      .map(({ params }) => (params as { event: unknown }).event);
  const [first, initialActions] = initialTransition(machine, input);
  let snapshot = first;
  const seen: Observation[] = [];
  const note = (actions: readonly { type: string; params: unknown }[]) =>
    seen.push({
      value: snapshot.value,
      context: snapshot.context as object,
      emitted: emissionsOf(actions),
    });
  note(initialActions as never);
  for (const event of events) {
    const [next, actions] = transition(machine, snapshot, event);
    snapshot = next;
    note(actions as never);
  }
  return seen;
}

/** Sequences of events of one machine, some after a part of a way far into it. */
function sequences({ events, ways = [] }: MachineCase, maxLength: number) {
  const types = Object.keys(events);
  const event = fc.tuple(fc.constantFrom(...types), fc.nat(11));
  const random = fc.array(event, { minLength: 1, maxLength });
  const starts = ways.map((way) => fc.nat(way.length).map((length) => way.slice(0, length)));
  return fc
    .tuple(
      fc.oneof({ arbitrary: fc.constant([]), weight: 4 * starts.length + 1 }, ...starts),
      random,
    )
    .map(([start, list]) =>
      [...start, ...list].map(([type, n]): AnyEventObject => ({ ...events[type]!(n), type })),
    );
}

/** A machine with a host, which takes one event after the other; and what went wrong at the last one. */
function hosted({ machine, input }: MachineCase) {
  let error: unknown = null;
  const host: LogicHost = {
    emit: () => {},
    next: () => null,
    fail: (failure) => {
      error = failure;
    },
  };
  const actor = createActor(compileLogic(machine, false, host), { input }).start();
  return (event: AnyEventObject): unknown => {
    error = null;
    actor.send(event);
    return error;
  };
}

/** What a machine ignores, and why: [state or "any", event, reason]. */
function ignoredBy({ config: { on: shared, states } }: AnyStateMachine) {
  const all = [
    ["any", shared],
    ...Object.entries(states ?? {}).map(([name, { on }]) => [name, on]),
  ];
  return all.flatMap(([state, on]) =>
    Object.entries(on ?? {}).flatMap(([event, value]) => {
      const list: readonly unknown[] = Array.isArray(value) ? value : [value];
      return list.flatMap((transition) => {
        if (typeof transition !== "object" || transition === null) return [];
        const { target, actions, description } = transition as Record<string, unknown>;
        return (target ?? actions) === undefined ? [[state, event, String(description)]] : [];
      });
    }),
  );
}

describe.each(Object.entries(machineCases))("machine %s", (name, machineCase) => {
  const { machine, input } = machineCase;
  const inPlace = compileLogic(machine, true);
  const pure = compileLogic(machine);

  it(`behaves as under XState's interpreter in ${100_000 / REDUCTION} sequences`, () => {
    fc.assert(
      fc.property(sequences(machineCase, 5), (events) => {
        const expected = observe(machine, input, events);
        const found = observe(inPlace, input, events);
        // The matcher is slow: it is asked when there is a difference to show.
        if (!isDeepStrictEqual(found, expected)) expect(found).toEqual(expected);
      }),
      { numRuns: 100_000 / REDUCTION },
    );
  }, 300_000);

  it("behaves as under XState's transition(), also when it may not write in place", () => {
    fc.assert(
      fc.property(sequences(machineCase, 12), (events) => {
        const expected = observeTransitions(machineCase, events);
        expect(observe(pure, input, events)).toEqual(expected);
        expect(observe(machine, input, events)).toEqual(expected);
      }),
      { numRuns: 2_000 / REDUCTION },
    );
  });

  it("reaches every state in the sequences", () => {
    const reached = new Set<unknown>();
    fc.assert(
      fc.property(sequences(machineCase, 40), (events) => {
        for (const { value } of observe(inPlace, input, events)) reached.add(value);
      }),
      { numRuns: 3_000, seed: 1 },
    );
    const states = Object.entries(machine.config.states ?? {});
    const stable = states.filter(([, config]) => config.always === undefined);
    for (const [state] of stable) {
      expect([...reached]).toContain(state);
    }
  });

  // The terminal UI's machine is not an actor of a system: what a key does not mean, it does not do.
  it.skipIf(name === "ui")(
    "refuses, with a host, what XState would drop: by name, state, event",
    () => {
      let [refused, taken] = [0, 0];
      fc.assert(
        fc.property(sequences(machineCase, 12), (events) => {
          const handle = hosted(machineCase);
          let [snapshot] = initialTransition(machine, input);
          for (const event of events) {
            const isTaken = machine.getTransitionData(snapshot, event).length > 0;
            const error = handle(event);
            if (isTaken) {
              taken++;
              expect(error).toBeNull();
            } else {
              refused++;
              const where = `machine "${machine.id}" in state "${snapshot.value}"`;
              expect(error).toBeInstanceOf(UnhandledEventError);
              expect(String(error)).toContain(`${where} does not take "${event.type}"`);
            }
            [snapshot] = transition(machine, snapshot, event);
          }
        }),
        { numRuns: 100, seed: 1 },
      );
      expect(taken).toBeGreaterThan(0);
      if (!TAKES_ALL.includes(machine.id)) expect(refused).toBeGreaterThan(0);
    },
  );

  it.skipIf(name === "ui")("says in its state table what it ignores, and why", () => {
    const file = [`machines/${name}.ts`, `machines/units/${name}.ts`].find(existsSync);
    const [table] = readFileSync(file ?? "", "utf8").split("*/");
    const rows = table!.split("\n");
    for (const [state, event, reason] of ignoredBy(machine)) {
      const row = rows.find(
        (line) => line.includes(`${event}`) && line.endsWith(`| ignored: ${reason}`),
      );
      expect(row, `${state}, on ${event}: ignored: ${reason}`).toBeDefined();
    }
  });

  it("leaves the snapshot it was given alone when it may not write in place", () => {
    fc.assert(
      fc.property(sequences(machineCase, 8), (events) => {
        const actor = createActor(pure, { input }).start();
        for (const event of events) {
          const before = actor.getSnapshot();
          const copy = structuredClone(before);
          actor.send(event);
          expect(before).toEqual(copy);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("what a machine ignores", () => {
  const ignoring = (transition: object): AnyStateMachine =>
    createMachine({ id: "odd", initial: "a", states: { a: { on: { X: transition } } } } as never);
  const host: LogicHost = { emit: () => {}, next: () => null, fail: () => {} };

  it("it ignores for a reason, if it is an actor of a system", () => {
    expect(() => compileLogic(ignoring({}), false, host)).toThrow(
      'machine "odd", state "a", on "X": ignored without a reason',
    );
    expect(() => compileLogic(ignoring(ignored("too late")), false, host)).not.toThrow();
  });

  it("may be left open by a machine of somebody else's", () => {
    expect(() => compileLogic(ignoring({}))).not.toThrow();
  });
});

describe("what the compiler does not know", () => {
  // The definitions are wrong on purpose: they go to XState unchecked.
  const odd = (config: object): AnyStateMachine =>
    createMachine(config as never, {
      actions: { set: assign({ a: 1 }), effect: () => {} },
      guards: { yes: () => true },
    });
  const refused: readonly (readonly [string, string, object])[] = [
    ["delayed transitions", '"after"', { a: { after: { 10: "a" } } }],
    ["nested states", '"initial"', { a: { initial: "b", states: { b: {} } } }],
    ["invoked actors", '"invoke"', { a: { invoke: { src: "x" } } }],
    ["final states", '"type"', { a: { type: "final" } }],
    ["wildcards", 'wildcard event "*"', { a: { on: { "*": "a" } } }],
    ["forced re-entry", '"reenter"', { a: { on: { X: { target: "a", reenter: true } } } }],
    ["custom actions", '"effect"', { a: { entry: "effect" } }],
    ["actions in place", "written in place", { a: { entry: assign({ a: 1 }) } }],
    ["guards in place", "written in place", { a: { on: { X: { guard: () => true } } } }],
    [
      "a transient state without a way out",
      '"always"',
      {
        a: {},
        b: { always: { guard: "yes", target: "a" } },
      },
    ],
  ];
  it.each(refused)("refuses %s", (_what, message, states) => {
    const machine: AnyStateMachine = odd({ id: "odd", initial: "a", states });
    expect(() => compileLogic(machine)).toThrow(UnsupportedMachineError);
    expect(() => compileLogic(machine)).toThrow(message);
  });
});
