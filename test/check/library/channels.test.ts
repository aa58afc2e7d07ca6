/** Channels that lose, duplicate, reorder and have no room; crashes; what is owed to messages and to choices. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assign, createMachine, emit } from "xstate";
import { actorModel } from "../../../src/check/actorModel.ts";
import { allOf, inState, isCrashed, not } from "../../../src/check/actors/predicates.ts";
import type {
  ActorModelSpec,
  ActorSpec,
  ActorState,
  CrashSpec,
  Wire,
} from "../../../src/check/actors/spec.ts";
import type { Channel } from "../../../src/check/engine/channel.ts";
import { Exploration } from "../../../src/check/engine/exploration.ts";
import { over, type Property } from "../../../src/check/properties/property.ts";
import { plainSearch } from "../plainSearch.ts";
import { alone, flat, judged } from "./judged.ts";

/** Sends x, then y. */
const sender = createMachine({
  id: "sender",
  initial: "a",
  states: {
    a: { on: { go: { target: "b", actions: emit({ type: "x" }) } } },
    b: { on: { go: { target: "c", actions: emit({ type: "y" }) } } },
    c: {},
  },
});
/** Remembers what came, in order. */
const listener = createMachine({
  id: "listener",
  context: { heard: "" },
  initial: "a",
  states: {
    a: {
      on: {
        "*": {
          guard: ({ context }) => context.heard.length < 4,
          actions: assign({ heard: ({ context, event }) => context.heard + event.type }),
        },
      },
    },
  },
});

const hears = (heard: string): Property => ({
  kind: "sometimes",
  name: heard === "" ? "nothing at the end" : heard,
  that: over(["A", "B"], (a: ActorState, b: ActorState<{ readonly heard: string }>) => {
    return a.value === "c" && b.context.heard === heard;
  }),
});

function sent(traits: Partial<Wire>, heard: readonly string[]): ActorModelSpec {
  return {
    name: "sent",
    actors: { A: { machine: sender, choices: [{ type: "go" }] }, B: { machine: listener } },
    wires: ["x", "y"].map((event) => ({ from: "A", event, to: ["B"], ...traits })),
    properties: [
      ...heard.map(hears),
      {
        kind: "sometimes",
        name: "all gone",
        that: over(["A", "A -> B"], (a: ActorState, waiting: readonly unknown[]) => {
          return a.value === "c" && waiting.length === 0;
        }),
      },
    ],
  };
}

const ALL = ["x", "y", "xy", "yx", "xx", "xxy", "xyx"];

describe("of x and y, sent in this order, is heard", () => {
  it.each<readonly [string, Partial<Wire>, readonly string[]]>([
    ["x before y from a queue", {}, ["x", "xy"]],
    ["each first from a bag", { kind: "bag" }, ["x", "y", "xy", "yx"]],
    ["any part from a queue that loses", { lossy: true }, ["x", "y", "xy"]],
    [
      "x again before y from a queue that duplicates",
      { duplicating: true },
      ["x", "xy", "xx", "xxy"],
    ],
    ["anything from a bag that duplicates", { kind: "bag", duplicating: true }, ALL],
    ["anything from a board", { kind: "shared" }, ALL],
    ["x alone where y finds no room and is lost", { capacity: 1, whenFull: "lose" }, ["x", "xy"]],
    ["both where y waits for room", { capacity: 1 }, ["x", "xy"]],
  ])("%s", (_what, traits, heard) => {
    const { verdicts } = judged(sent(traits, ALL));
    expect(ALL.filter((one) => verdicts[one] === "holds")).toEqual(heard);
  });

  it("y only after x was taken, where there is room for one", () => {
    const holds = (traits: Partial<Wire>) => {
      const never: Property = {
        kind: "always",
        name: "one",
        that: over(["A -> B"], (waiting: readonly unknown[]) => waiting.length < 2),
      };
      return judged({ ...sent(traits, []), properties: [never] }).verdicts["one"];
    };
    expect([holds({}), holds({ capacity: 1 })]).toEqual(["violated", "holds"]);
  });
});

it("channels of different receivers never merge, however many actors there are", () => {
  const a = createMachine({
    id: "a",
    initial: "s",
    states: {
      s: {
        on: { go: { target: "t", actions: [emit({ type: "tick" }), emit({ type: "hello" })] } },
      },
      t: { on: { tick: "u", hello: "wrong" } },
      u: { on: { hello: "wrong" } },
      wrong: {},
    },
  });
  const spec: ActorModelSpec = {
    name: "two",
    actors: {
      A: { machine: a, choices: [{ type: "go" }] },
      B: { machine: flat({ s: { hello: "t" }, t: {} }) },
    },
    wires: [
      { from: "A", event: "tick", to: ["A"] },
      { from: "A", event: "hello", to: ["B"] },
    ],
    properties: [
      { kind: "always", name: "never", that: not(inState("A", "wrong")) },
      { kind: "sometimes", name: "greeted", that: inState("B", "t") },
    ],
  };
  expect(judged(spec).verdicts).toEqual({ never: "holds", greeted: "holds" });
});

it("the sender is known to the receiver, and an address chooses among receivers", () => {
  const asks = createMachine({
    id: "asks",
    initial: "a",
    states: {
      a: { on: { go: { target: "b", actions: emit({ type: "ask" }) } } },
      b: { on: { answer: "c" } },
      c: {},
    },
  });
  interface Asked {
    readonly type: string;
    readonly from: string;
  }
  const answers = createMachine({
    id: "answers",
    initial: "a",
    states: {
      a: {
        on: {
          ask: { actions: emit(({ event }) => ({ type: "answer", to: (event as Asked).from })) },
        },
      },
    },
  });
  const client: ActorSpec = { machine: asks, choices: [{ type: "go" }] };
  const spec: ActorModelSpec = {
    name: "asked",
    actors: { S: { machine: answers }, C: client, D: client },
    wires: [
      ...["C", "D"].map((from) => ({ from, event: "ask", to: ["S"], sender: "from" })),
      { from: "S", event: "answer", to: ["C", "D"], address: "to" },
    ],
    properties: [
      {
        kind: "always",
        name: "who does not ask gets none",
        that: over(
          ["C", "S -> C"],
          (c: ActorState, waiting: readonly unknown[]) => c.value !== "a" || waiting.length === 0,
        ),
      },
      { kind: "sometimes", name: "both", that: allOf(inState("C", "c"), inState("D", "c")) },
    ],
  };
  expect(judged(spec).verdicts).toEqual({ "who does not ask gets none": "holds", both: "holds" });
});

/** Any traits, on a ring of three that passes a few messages on. */
const traits: fc.Arbitrary<Partial<Wire>> = fc.oneof(
  fc.record({ kind: fc.constant("shared" as const) }),
  fc.record(
    {
      kind: fc.constantFrom("fifo" as const, "bag" as const),
      lossy: fc.boolean(),
      duplicating: fc.boolean(),
      capacity: fc.integer({ min: 1, max: 2 }),
    },
    { requiredKeys: [] },
  ),
  fc.record({
    capacity: fc.integer({ min: 1, max: 2 }),
    whenFull: fc.constantFrom("lose" as const, "block" as const),
    kind: fc.constantFrom("fifo" as const, "bag" as const),
  }),
);

it("on random traits a plain search finds the same states, and deadlocks", () => {
  const passes = createMachine({
    id: "passes",
    context: { left: 2 },
    initial: "a",
    states: {
      a: {
        on: {
          go: {
            guard: ({ context }) => context.left > 0,
            target: "b",
            actions: [
              assign({ left: ({ context }) => context.left - 1 }),
              emit({ type: "x" }),
              emit({ type: "y" }),
            ],
          },
          x: "b",
        },
      },
      b: { on: { x: { target: "a", actions: emit({ type: "y" }) }, go: "a" } },
    },
  });
  fc.assert(
    fc.property(fc.tuple(traits, traits), ([one, other]) => {
      const model = () =>
        actorModel({
          name: "ring",
          actors: { A: { machine: passes, choices: [{ type: "go" }] }, B: { machine: listener } },
          wires: ["x", "y"].flatMap((event): Wire[] => [
            { from: "A", event, to: ["B"], ...one },
            { from: "A", event, to: ["A"], ...other },
          ]),
          properties: [{ kind: "noDeadlock", name: "dead" }],
        });
      const bounds = { states: 5000 };
      const exploration = new Exploration(model(), { keepGoing: true, bounds });
      if (exploration.run() !== "complete") return;
      const plain = plainSearch(model());
      const found = exploration.findings[0]!.finding !== null;
      expect([exploration.distinct, exploration.generated, found]).toEqual([
        plain.distinct,
        plain.generated,
        plain.broken.has("dead"),
      ]);
    }),
    { numRuns: 40, seed: 3 },
  );
});

describe("fairness", () => {
  const repeats = createMachine({
    id: "repeats",
    initial: "a",
    states: { a: { on: { again: { actions: emit({ type: "x" }) } } } },
  });
  const taker = flat({ s: { x: "t" }, t: {} });
  const repeated = (wire: Partial<Wire>, fairness?: ActorSpec["fairness"]): string => {
    const spec: ActorModelSpec = {
      name: "repeated",
      actors: {
        A: {
          machine: repeats,
          choices: [{ type: "again" }],
          ...(fairness === undefined ? {} : { fairness }),
        },
        B: { machine: taker },
      },
      wires: [{ from: "A", event: "x", to: ["B"], capacity: 1, whenFull: "lose", ...wire }],
      properties: [{ kind: "eventually", name: "it comes", that: inState("B", "t") }],
    };
    return judged(spec).verdicts["it comes"]!;
  };

  it("of a choice: without it nobody must send", () => {
    expect([repeated({}), repeated({}, { again: "weak" })]).toEqual(["violated", "holds"]);
  });

  it("of a channel that loses: each message may be lost, unless it is strong", () => {
    const again = { again: "weak" } as const;
    expect(repeated({ lossy: true }, again)).toBe("violated");
    expect(repeated({ lossy: true, fair: "strong" }, again)).toBe("holds");
    expect(repeated({ lossy: true, fair: "strong" })).toBe("violated");
    expect(repeated({ fair: false }, again)).toBe("violated");
  });

  it("of a choice that is not always there: weak obliges nobody, strong does", () => {
    const machine = flat({ a: { tick: "b" }, b: { tock: "a", go: "c" }, c: {} });
    const choices = [{ type: "tick" }, { type: "tock" }, { type: "go" }];
    const spec = (go: "weak" | "strong") =>
      alone({ machine, choices, fairness: { tick: "weak", tock: "weak", go } }, [
        { kind: "eventually", name: "c", that: inState("A", "c") },
      ]);
    expect(judged(spec("weak")).verdicts["c"]).toBe("violated");
    expect(judged(spec("strong")).verdicts["c"]).toBe("holds");
  });

  it("the run that is shown goes round as fairness allows", () => {
    const machine = flat({ a: { tick: "b" }, b: { tock: "a", go: "c" }, c: {} });
    const choices = [{ type: "tick" }, { type: "tock" }, { type: "go" }];
    const fairness = { tick: "weak", tock: "weak", go: "weak" } as const;
    const { results } = judged(
      alone({ machine, choices, fairness }, [
        { kind: "eventually", name: "c", that: inState("A", "c") },
      ]),
    );
    expect(results[0]!.run!.cycle.length).toBe(2);
  });
});

describe("delays, invoked actors and crashes", () => {
  const delayed = createMachine({
    id: "delayed",
    initial: "a",
    states: { a: { after: { 10: "b", 20: "c" } }, b: {}, c: {} },
  });

  it("of two timers of one step the shorter ends first, unless any may", () => {
    const reaches = (timers: "ordered" | "any") =>
      judged(
        alone({ machine: delayed, choices: [], timers }, [
          { kind: "sometimes", name: "c", that: inState("A", "c") },
        ]),
      ).verdicts["c"];
    expect([reaches("ordered"), reaches("any")]).toEqual(["violated", "holds"]);
  });

  it("that timers end in order is said with the verdict, where it leaves something out", () => {
    const remarks = (spec: Partial<ActorSpec>) => {
      const model = actorModel(alone({ machine: delayed, choices: [], ...spec }, []));
      new Exploration(model).run();
      return model.remarks!();
    };
    expect(remarks({})).toEqual([
      'timers of A end in the order of their delays, and no other is explored (timers: "any" explores every order)',
    ]);
    expect(remarks({ timers: "any" })).toEqual([]);
    const one = createMachine({ initial: "a", states: { a: { after: { 10: "b" } }, b: {} } });
    expect(remarks({ machine: one })).toEqual([]);
  });

  it("a timer ends at last", () => {
    const spec = alone({ machine: delayed, choices: [] }, [
      { kind: "eventually", name: "b", that: inState("A", "b") },
    ]);
    expect(judged(spec).verdicts["b"]).toBe("holds");
  });

  it("what is invoked ends as the model says, while it is invoked, and once", () => {
    const machine = createMachine({
      id: "loads",
      context: { loaded: 0 },
      initial: "a",
      states: {
        a: {
          invoke: {
            src: "load",
            onDone: {
              actions: assign({ loaded: ({ context, event }) => context.loaded + event.output }),
            },
            onError: "failed",
          },
          on: { go: "b" },
        },
        b: {},
        failed: {},
      },
    });
    const loaded = (value: number): Property => ({
      kind: "sometimes",
      name: String(value),
      that: over(
        ["A"],
        ({ context }: ActorState<{ readonly loaded: number }>) => context.loaded === value,
      ),
    });
    const spec = alone({ machine, invoked: { load: { done: [2, 3], error: ["no"] } } }, [
      ...[0, 2, 3, 4, 5].map(loaded),
      { kind: "sometimes", name: "failed", that: inState("A", "failed") },
    ]);
    expect(judged(spec).verdicts).toEqual({
      0: "holds",
      2: "holds",
      3: "holds",
      4: "violated",
      5: "violated",
      failed: "holds",
    });
  });

  const counter = createMachine({
    id: "counter",
    context: ({ input }) => ({ n: 0, kept: (input as number | undefined) ?? 0 }),
    initial: "a",
    states: {
      a: {
        on: {
          go: {
            guard: ({ context }) => context["n"] < 2,
            actions: assign({
              n: ({ context }) => context["n"] + 1,
              kept: ({ context }) => context["kept"] + 1,
            }),
          },
        },
      },
    },
  });
  const kept = (value: number): Property => ({
    kind: "sometimes",
    name: String(value),
    that: over(
      ["A"],
      ({ status, context }: ActorState<{ readonly kept: number }>) =>
        status === "active" && context.kept === value,
    ),
  });

  it("a crash forgets what is not durable, as often as it may come", () => {
    const input = ({ kept: n }: { readonly kept: number }) => n;
    const reached = (crash: CrashSpec) => {
      const { verdicts } = judged(
        alone({ machine: counter, crash }, [1, 2, 3, 4, 5, 6].map(kept)),
        { bounds: { states: 200 } },
      );
      return Object.keys(verdicts).filter((name) => verdicts[name] === "holds").length;
    };
    expect(reached({})).toBe(2);
    expect(reached({ most: 1, input })).toBe(4);
    expect(reached({ most: 2, input })).toBe(6);
    expect(reached({ most: 1, input, restarts: false })).toBe(2);
  });

  it("messages to a crashed actor are lost", () => {
    const spec: ActorModelSpec = {
      ...sent({}, []),
      actors: {
        A: { machine: sender, choices: [{ type: "go" }] },
        B: { machine: listener, crash: { restarts: false } },
      },
      properties: [
        {
          kind: "sometimes",
          name: "lost",
          that: allOf(
            inState("A", "c"),
            isCrashed("B"),
            over(["A -> B"], (waiting: readonly unknown[]) => waiting.length === 0),
          ),
        },
      ],
    };
    expect(judged(spec).verdicts["lost"]).toBe("holds");
  });
});

it("a model's channels have the traits of their wires", () => {
  const wire = { lossy: true, duplicating: true, capacity: 2, fair: "strong" } as const;
  const { channels } = actorModel(sent(wire, []));
  const [channel] = channels.filter((one): one is Channel => one !== null);
  expect(channel).toMatchObject({
    kind: "fifo",
    lossy: true,
    duplicating: true,
    capacity: 2,
    fairness: "strong",
  });
});
