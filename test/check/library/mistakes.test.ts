/** What is misspelt, contradictory or never used in a model is said, with the nearest right name. */
import { describe, expect, it } from "vitest";
import { assign, createMachine, emit, fromPromise, sendParent, sendTo, setup } from "xstate";
import { actorModel } from "../../../src/check/actorModel.ts";
import { allOf, inState, not } from "../../../src/check/actors/predicates.ts";
import type { ActorModelSpec, Wire } from "../../../src/check/actors/spec.ts";
import { over, type Property } from "../../../src/check/properties/property.ts";
import { alone, flat, judged } from "./judged.ts";

const sender = createMachine({
  id: "sender",
  initial: "a",
  states: { a: { on: { go: { target: "b", actions: emit({ type: "hello" }) } } }, b: {} },
});
const taker = flat({ s: { hello: "t" }, t: {} });
const hello: Wire = { from: "A", event: "hello", to: ["B"] };

function pair(changes: Partial<ActorModelSpec> = {}): ActorModelSpec {
  return {
    name: "pair",
    actors: { A: { machine: sender, choices: [{ type: "go" }] }, B: { machine: taker } },
    wires: [hello],
    properties: [{ kind: "sometimes", name: "greeted", that: inState("B", "t") }],
    ...changes,
  };
}

/** Not of the types that the compiler would refuse: who writes JavaScript has none. */
const wrong = (changes: object): ActorModelSpec => ({ ...pair(), ...changes }) as ActorModelSpec;
const property = (one: object): ActorModelSpec => wrong({ properties: [one] });
const actorA = (changes: object): ActorModelSpec =>
  wrong({ actors: { ...pair().actors, A: { ...pair().actors["A"], ...changes } } });
const wire = (changes: object): ActorModelSpec => wrong({ wires: [{ ...hello, ...changes }] });

it("a model without mistakes has verdicts for its properties alone", () => {
  expect(judged(pair()).verdicts).toEqual({ greeted: "holds" });
});

describe("is refused", () => {
  const that = over(["B"], () => true);
  it.each<readonly [string, ActorModelSpec]>([
    ['"alwayss"; did you mean "always"?', property({ kind: "alwayss", name: "x", that })],
    [
      'no actor, channel or memory "b"; did you mean "B"?',
      property({ kind: "always", name: "x", that: over(["b"], () => true) }),
    ],
    [
      'B of model pair has no state "tt"; did you mean "t"?',
      property({ kind: "always", name: "x", that: allOf(not(inState("B", "tt"))) }),
    ],
    [
      'no actor is called "Bo"; did you mean "B"?',
      property({ kind: "always", name: "x", that: inState("Bo", "t") }),
    ],
    ['it has no "that"', property({ kind: "step", name: "anything at all" })],
    ['it has no "when"', property({ kind: "leadsTo", name: "x", that })],
    [
      '"wehn" is not known; did you mean "when"?',
      property({ kind: "always", name: "x", that, wehn: that }),
    ],
    [
      "there are two of this name",
      wrong({ properties: [...pair().properties, ...pair().properties] }),
    ],
    ['actor "A": "choises" is not known; did you mean "choices"?', actorA({ choises: [] })],
    ['rests: no state is called "c"', actorA({ rests: ["c"] })],
    ['fairness: it has no choice "goo"; did you mean "go"?', actorA({ fairness: { goo: "weak" } })],
    ["a choice: expected an event", actorA({ choices: ["go"] })],
    ["is a function", actorA({ choices: [{ type: "go", f: () => 1 }] })],
    ['"machine": expected an XState machine', actorA({ machine: {} })],
    ['no actor is called "b"; did you mean "B"?', wire({ to: ["b"] })],
    ['kind "fifoo"; did you mean "fifo"?', wire({ kind: "fifoo" })],
    ['"tosend" is not known', wire({ tosend: 1 })],
    ["two wires carry", wrong({ wires: [hello, hello] })],
    ["capacity: expected a whole number from 1", wire({ capacity: 0 })],
    ["cannot be lossy, duplicating or bounded", wire({ kind: "shared", lossy: true })],
    ["whenFull goes with a capacity", wire({ whenFull: "lose" })],
    ['"observers" is not known; did you mean "observer"?', wrong({ observers: {} })],
    ['symmetry "C"', wrong({ symmetry: { members: ["C"], indexed: {}, references: [] } })],
  ])("%s", (message, spec) => {
    expect(() => actorModel(spec)).toThrow(message);
  });

  it("two kinds for one pair of actors", () => {
    const wires: Wire[] = [hello, { ...hello, event: "bye", kind: "bag" }];
    expect(() => actorModel(pair({ wires }))).toThrow(
      'the wires from "A" to "B" share a channel, and differ: "hello" is fifo, "bye" is bag',
    );
  });

  it.each<readonly [string, object]>([
    ['in state "a" it invokes "load"', { invoke: { src: "load" } }],
    ['in state "a" it invokes "(in place)"', { invoke: { src: fromPromise(async () => 1) } }],
    ['in state "a" it sends to its parent', { entry: sendParent({ type: "x" }) }],
    ['in state "a" it sends to "other"', { entry: sendTo("other", { type: "x" }) }],
    ['the custom action "notify" is not performed', { entry: "notify" }],
    ['the custom action "(anonymous)" is not performed', { entry: [() => {}] }],
  ])("a machine in whose state %s", (message, state) => {
    const machine = createMachine({ id: "one", initial: "a", states: { a: state } } as never);
    expect(() => actorModel(alone({ machine, choices: [] }, []))).toThrow(message);
  });

  it("what a machine throws, with actor, state and event", () => {
    const fail = () => {
      throw new Error("boom");
    };
    const machine = createMachine({
      id: "one",
      initial: "a",
      states: { a: { on: { go: { guard: fail, target: "a" } } } },
    });
    expect(() => judged(alone({ machine }, []))).toThrow(
      /model alone: A, in state "a", on "go": its machine throws: [\s\S]*boom/,
    );
  });

  it("a step that goes round for ever", () => {
    const machine = createMachine({
      id: "one",
      initial: "a",
      states: { a: { on: { go: "b" } }, b: { always: "c" }, c: { always: "b" } },
    });
    expect(() => judged(alone({ machine }, []))).toThrow(/in state "a", on "go": .*Infinite loop/);
  });

  it("an address that no wire has", () => {
    const machine = createMachine({
      id: "one",
      initial: "a",
      states: { a: { on: { go: { actions: emit({ type: "hello", to: "b" }) } } } },
    });
    const spec = pair({
      actors: { A: { machine, choices: [{ type: "go" }] }, B: { machine: taker } },
      wires: [{ ...hello, address: "to" }],
    });
    expect(() => judged(spec)).toThrow(
      'is addressed ("to") to "b", and no wire leads there; did you mean "B"?',
    );
  });
});

describe("is said beside the verdicts", () => {
  const unused: readonly Property[] = [];
  it.each<readonly [string, ActorModelSpec]>([
    [
      'A emits "hello", which no wire carries; did you mean "helo"?',
      pair({ wires: [{ ...hello, event: "helo" }] }),
    ],
    [
      'A never emits "helo", which a wire to B carries; did you mean "hello"?',
      pair({ wires: [{ ...hello, event: "helo" }] }),
    ],
    [
      'A never takes its choice "goo"; did you mean "go"?',
      pair({ actors: { ...pair().actors, A: { machine: sender, choices: [{ type: "goo" }] } } }),
    ],
    [
      'B never takes "hello" from A; did you mean "hallo"?',
      pair({ actors: { ...pair().actors, B: { machine: flat({ s: { hallo: "t" }, t: {} }) } } }),
    ],
  ])("%s", (name, spec) => {
    expect(judged({ ...spec, properties: unused }).verdicts[name]).toBe("vacuous");
  });

  it("but not what the model says leaves it", () => {
    const actors = { A: { ...pair().actors["A"]!, outside: ["hello"] } };
    const spec = pair({ actors, wires: [], properties: [] });
    expect(judged(spec).verdicts).toEqual({});
  });

  it("nor what a search did not come to", () => {
    const spec = pair({ properties: [] });
    expect(judged(spec, { bounds: { depth: 0 } }).verdicts).toEqual({});
  });
});

describe("noDeadlock", () => {
  const stuck = flat({ s: { go: "t" }, t: {} });
  const properties: Property[] = [{ kind: "noDeadlock", name: "no deadlock" }];
  const ends = createMachine({
    id: "ends",
    initial: "s",
    states: { s: { on: { go: "t" } }, t: { type: "final" } },
  });

  it("is violated by a state that is left by nothing and is not final", () => {
    expect(judged(alone({ machine: stuck }, properties)).verdicts["no deadlock"]).toBe("violated");
  });

  it.each([
    ["all machines are done", alone({ machine: ends }, properties)],
    ["the model says that it may rest there", alone({ machine: stuck, rests: ["t"] }, properties)],
    [
      "the model says that it is final",
      { ...alone({ machine: stuck }, properties), isFinal: () => true },
    ],
  ])("holds where %s", (_why, spec) => {
    expect(judged(spec).verdicts["no deadlock"]).toBe("holds");
  });
});

describe("a step property", () => {
  const seen: Property = {
    kind: "step",
    name: "what A sends, B takes in s",
    that: ({ event, sender, receiver, before, after, taken, lost }) => {
      if (event.type !== "hello") return sender === null && receiver === "A" && taken;
      const [from, to] = [before, after] as { readonly value: string }[];
      return (
        sender === "A" && receiver === "B" && from!.value === "s" && to!.value === "t" && !lost
      );
    },
  };

  it("sees event, sender, receiver, and the state before and after", () => {
    expect(judged(pair({ properties: [seen] })).verdicts[seen.name]).toBe("holds");
  });

  it("is broken by the one step that breaks it, which ends the run that is shown", () => {
    const never: Property = { kind: "step", name: "no", that: ({ receiver }) => receiver !== "B" };
    const { results } = judged(pair({ properties: [never] }));
    expect([results[0]!.verdict, results[0]!.run!.edges.length]).toEqual(["violated", 2]);
  });

  it("sees what a step sends", () => {
    const silent: Property = { kind: "step", name: "no", that: ({ sent }) => sent.length === 0 };
    const { results } = judged(pair({ properties: [silent] }));
    expect([results[0]!.verdict, results[0]!.run!.edges.length]).toEqual(["violated", 1]);
  });
});

describe("states that differ in the order of keys alone are one, so who goes by that order is refused", () => {
  const counting = (pick: (votes: Readonly<Record<string, number>>) => string): ActorModelSpec => {
    const machine = setup({
      types: { context: {} as { votes: Record<string, number>; first: string } },
    }).createMachine({
      context: { votes: { a: 1, b: 1 }, first: "" },
      on: { go: { actions: assign({ first: ({ context }) => pick(context.votes) }) } },
    });
    const that = over(["A"], () => true);
    return alone({ machine }, [{ kind: "always", name: "x", that }]);
  };

  it("a step that takes the key that was set first", () => {
    expect(() => judged(counting((votes) => Object.keys(votes)[0]!))).toThrow(
      /^alone: A, in state "\{\}", on "go": what it does depends on the order in which an object's keys were set: .*"first":"a".* or .*"first":"b".*; states that differ in that alone are one state: use a Map or a list, or sort the keys$/,
    );
  });

  it("and not one that sorts them", () => {
    expect(judged(counting((votes) => Object.keys(votes).sort()[0]!)).verdicts).toEqual({
      x: "holds",
    });
  });

  it("a choice", () => {
    const machine = createMachine({ context: { a: 1, b: 2 } });
    const choices = ({ context }: { context: object }) => [{ type: Object.keys(context)[0]! }];
    const that = over(["A"], () => true);
    const spec = alone({ machine, choices }, [{ kind: "always", name: "x", that }]);
    expect(() => judged(spec)).toThrow("what it may choose depends on the order");
  });

  it("an observer", () => {
    const { actors, ...rest } = pair();
    const observer = {
      name: "seen",
      initial: { a: 0, b: 0, last: "" },
      record: (seen: Readonly<Record<string, unknown>>) => ({
        ...seen,
        last: Object.keys(seen)[0],
      }),
    };
    expect(() => judged({ ...rest, actors, observer } as ActorModelSpec)).toThrow(
      "what seen records depends on the order",
    );
  });
});
