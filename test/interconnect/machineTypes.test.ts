/** A function that names the events it reads is run on no other: the definition is refused before it runs. */
import { describe, expect, it } from "vitest";
import { assign, emit, setup } from "xstate";
import { compileLogic } from "../../src/interconnect/compiledLogic.ts";
import { eventsReadBy, machineTypes } from "../../src/interconnect/machineTypes.ts";
import { findMisreading } from "../../src/interconnect/misreadings.ts";
import { machineCases } from "./machineInputs.ts";

type Event =
  | { readonly type: "put"; readonly amount: number }
  | { readonly type: "take"; readonly amount: number }
  | { readonly type: "look" };
interface Context {
  readonly amount: number;
}

const { types, on } = machineTypes<Context, Event, undefined, { readonly type: "told" }>();
const box = setup({
  types,
  actions: {
    notePut: assign({ amount: on("put", ({ context, event }) => context.amount + event.amount) }),
    noteBoth: assign(on(["put", "take"], ({ event }) => ({ amount: event.amount }))),
    tell: emit(on("look", () => ({ type: "told" }) as const)),
  },
  guards: { isMuch: on("put", ({ event }) => event.amount > 9) },
});

/** What is said of a box with these two states. */
function refused(first: object, second: object = {}, shared: object = {}): string | undefined {
  return findMisreading(
    box.createMachine({
      id: "box",
      context: { amount: 0 },
      initial: "first",
      states: { first, second },
      on: shared,
    }),
  );
}

describe("what reads an event", () => {
  it("is for the events that it names, and a plain function for any", () => {
    expect(eventsReadBy(on(["put", "take"], () => 0))).toEqual(["put", "take"]);
    expect(eventsReadBy(() => 0)).toBeNull();
  });

  it("may be wired to each of them", () => {
    const transition = { guard: "isMuch", target: "second", actions: ["notePut", "noteBoth"] };
    expect(refused({ on: { put: transition, take: { actions: "noteBoth" } } })).toBeUndefined();
  });

  it.each([
    ["an action", { on: { take: { actions: "notePut" } } }],
    ["an action of several", { on: { take: [{ actions: ["noteBoth", "notePut"] }] } }],
    ["a guard", { on: { look: { guard: "isMuch" } } }],
    ["an emission", { on: { put: { actions: "tell" } } }],
  ])("is not wired to another: %s", (_, state) => {
    expect(refused(state)).toMatch(/^state "first": "\w+" reads "\w+", and would be run on "\w+"$/);
  });

  it("is not run by a transition of every state for another event", () => {
    expect(refused({}, {}, { take: { actions: "notePut" } })).toBe(
      'state "first": "notePut" reads "put", and would be run on "take"',
    );
  });

  it("is run on entry by whatever leads into the state", () => {
    const enters = (event: string) => refused({ on: { [event]: "second" } }, { entry: "notePut" });
    expect(enters("put")).toBeUndefined();
    expect(enters("take")).toContain('would be run on "take"');
    expect(refused({ entry: "notePut" })).toContain('would be run on "xstate.init"');
  });

  it("is run on exit by whatever leads out of it", () => {
    const leaves = (event: string) => refused({ exit: "notePut", on: { [event]: "second" } });
    expect(leaves("put")).toBeUndefined();
    expect(leaves("look")).toContain('would be run on "look"');
  });

  it("is run in a transient state by what has led there", () => {
    const decides = { always: [{ guard: "isMuch", target: "first" }, { target: "first" }] };
    expect(refused({ on: { put: "second" } }, decides)).toBeUndefined();
    expect(refused({ on: { look: "second" } }, decides)).toContain('would be run on "look"');
    const hurries = { always: { target: "first", actions: "notePut" } };
    expect(refused({ on: { take: "second" } }, hurries)).toContain('would be run on "take"');
  });

  it("is looked at when the machine is compiled", () => {
    const machine = box.createMachine({
      id: "box",
      context: { amount: 0 },
      initial: "only",
      states: { only: { on: { look: { actions: "notePut" } } } },
    });
    expect(() => compileLogic(machine)).toThrow(
      'machine "box", state "only": "notePut" reads "put", and would be run on "look"',
    );
  });

  it.each(Object.keys(machineCases))("of the machine %s is wired to its events", (name) => {
    expect(findMisreading(machineCases[name]!.machine)).toBeUndefined();
  });
});
