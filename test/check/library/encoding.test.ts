/** States are one state exactly if no program can tell them apart; what cannot be compared is refused. */
import { describe, expect, it } from "vitest";
import { assign, createMachine } from "xstate";
import type { ActorState } from "../../../src/check/actors/spec.ts";
import { canonical } from "../../../src/check/engine/encoding.ts";
import { over } from "../../../src/check/properties/property.ts";
import { alone, judged } from "./judged.ts";

class Hidden {
  readonly #value: number;
  constructor(value: number) {
    this.#value = value;
  }
  get value(): number {
    return this.#value;
  }
}

const named = Symbol("named");
const circle: { self?: object } = {};
circle.self = circle;

/** None of these is another. */
const DIFFERENT: readonly unknown[] = [
  undefined,
  null,
  "null",
  "undefined",
  "",
  0,
  -0,
  "0",
  0n,
  1,
  1n,
  true,
  "true",
  Number.NaN,
  "NaN",
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  {},
  [],
  [undefined],
  [null],
  // biome-ignore lint/suspicious/noSparseArray: a hole is what is tested
  [,],
  [[]],
  { x: undefined },
  { x: null },
  { x: {} },
  { "x.y": 1 },
  { x: { y: 1 } },
  Object.create(null),
  new Map(),
  new Map([[1, 2]]),
  new Map([["1", 2]]),
  new Map([[{}, 2]]),
  new Map<unknown, unknown>([[1, [2]]]),
  new Map([
    [1, 2],
    [3, 4],
  ]),
  new Map([
    [3, 4],
    [1, 2],
  ]),
  new Set(),
  new Set([1]),
  new Set(["1"]),
  new Set([1, 2]),
  new Set([2, 1]),
  [1, 2],
  new Date(0),
  new Date(1),
  new Date(Number.NaN),
  new Uint8Array(0),
  new Uint8Array(2),
  new Uint16Array(2),
  new Uint8Array([1, 0]),
  new Float64Array([0]),
  new Float64Array([-0]),
  new Float64Array([Number.NaN]),
  new BigInt64Array([0n]),
];

it("values that a program can tell apart are apart", () => {
  const texts = DIFFERENT.map((value) => canonical(value));
  expect(texts.filter((text, i) => texts.indexOf(text) < i)).toEqual([]);
});

it("equal values are equal, whatever the order of an object's keys", () => {
  const make = () => ({ b: [1n, new Map([[{ x: 1 }, new Set([Number.NaN])]])], a: new Date(5) });
  expect(canonical(make())).toBe(canonical(make()));
  expect(canonical({ a: 1, b: { d: 2, c: 3 } })).toBe(canonical({ b: { c: 3, d: 2 }, a: 1 }));
});

it("plain data is JSON", () => {
  const data = { b: [1, "x", null, true], a: { y: -1.5, x: 'a "quote"' } };
  expect(JSON.parse(canonical(data))).toEqual(data);
});

describe("what cannot be compared is refused, and its place named", () => {
  it.each([
    [{ list: [{ f: () => 1 }] }, "context.list[0].f is a function"],
    [{ x: Symbol("s") }, "context.x is a symbol"],
    [{ x: new Hidden(1) }, "context.x is an instance of class Hidden"],
    [{ x: /a/ }, "context.x is an instance of class RegExp"],
    [{ x: new Error("e") }, "context.x is an instance of class Error"],
    [{ x: new Map([["k", new WeakMap()]]) }, "context.x[1] is an instance of class WeakMap"],
    [{ x: new (class Own extends Map {})() }, "context.x is an instance of class Own"],
    [{ x: Promise.resolve() }, "context.x is an instance of class Promise"],
    [{ [named]: 1 }, "named by a symbol"],
    [Object.defineProperty({}, "h", { value: 1 }), "context.h is hidden"],
    [{ x: Object.assign([1], { extra: 2 }) }, "context.x is an array with properties of its own"],
    [
      { x: Object.assign(new Set(), { extra: 2 }) },
      "context.x is a Set with properties of its own",
    ],
    [circle, "refers to itself"],
    [{ x: new DataView(new ArrayBuffer(1)) }, "context.x is an instance of class DataView"],
    [{ x: new Uint8Array(new SharedArrayBuffer(1)) }, "context.x is memory that others may change"],
  ])("%#", (value, message) => {
    expect(() => canonical(value, "context")).toThrow(message);
  });
});

type Step = (context: never) => object;

/** A machine whose context goes on by this function at each "go". */
const machine = (first: object, next: Step) =>
  createMachine({
    id: "counter",
    context: first,
    initial: "a",
    states: { a: { on: { go: { actions: assign(({ context }) => next(context as never)) } } } },
  });

const never = (bad: (context: never) => boolean) => ({
  kind: "always" as const,
  name: "never",
  that: over(["A"], ({ context }: ActorState) => !bad(context as never)),
});

describe("in a search", () => {
  it.each<readonly [string, object, Step, (context: never) => boolean]>([
    [
      "Set",
      { s: new Set() },
      ({ s }: { s: Set<number> }) => ({ s: new Set([...s, s.size]) }),
      ({ s }: { s: Set<number> }) => s.size >= 3,
    ],
    [
      "Map",
      { s: new Map() },
      ({ s }: { s: Map<number, number> }) => ({ s: new Map([...s, [s.size, 1]]) }),
      ({ s }: { s: Map<number, number> }) => s.size >= 3,
    ],
    [
      "NaN after null",
      { x: null },
      () => ({ x: Number.NaN }),
      ({ x }: { x: number | null }) => Number.isNaN(x),
    ],
    ["undefined where there was nothing", {}, () => ({ x: undefined }), (c: object) => "x" in c],
    ["-0 after 0", { x: 0 }, () => ({ x: -0 }), ({ x }: { x: number }) => Object.is(x, -0)],
    [
      "BigInt",
      { x: 0n },
      ({ x }: { x: bigint }) => ({ x: x + 1n }),
      ({ x }: { x: bigint }) => x >= 3n,
    ],
    [
      "Date",
      { x: new Date(0) },
      ({ x }: { x: Date }) => ({ x: new Date(Number(x) + 1) }),
      ({ x }: { x: Date }) => Number(x) >= 3,
    ],
    [
      "bytes",
      { x: new Uint8Array(2) },
      ({ x }: { x: Uint8Array }) => ({ x: x.with(0, x[0]! + 1) }),
      ({ x }: { x: Uint8Array }) => x[0]! >= 3,
    ],
  ])("a bad state is found behind a %s", (_what, first, next, bad) => {
    const spec = alone({ machine: machine(first, next) }, [never(bad)]);
    expect(judged(spec, { bounds: { states: 50 } }).verdicts["never"]).toBe("violated");
  });

  it("what cannot be compared is named by actor, state, event and path", () => {
    const spec = alone({ machine: machine({ f: 1 }, () => ({ f: () => 2 })) }, []);
    expect(() => judged(spec)).toThrow(
      'model alone: A, in state "a", on "go": A.context.f is a function',
    );
  });
});

describe("what is changed in place is an error", () => {
  it.each<readonly [string, object, Step]>([
    [
      "a list",
      { x: [] as number[] },
      ({ x }: { x: number[] }) => {
        x.push(1);
        return { x };
      },
    ],
    [
      "a Map",
      { x: new Map() },
      ({ x }: { x: Map<number, number> }) => ({ x: new Map(x.set(1, 1)) }),
    ],
    [
      "bytes",
      { x: new Uint8Array(1) },
      ({ x }: { x: Uint8Array }) => {
        x[0]!++;
        return { x: x.slice() };
      },
    ],
  ])("%s", (_what, first, next) => {
    const spec = alone({ machine: machine(first, next) }, []);
    expect(() => judged(spec)).toThrow(/A, in state "a", on "go": its state was changed in place/);
  });

  it("by a predicate too, once all is done", () => {
    const spec = alone({ machine: machine({ x: [2, 1] }, () => ({})) }, [
      never(({ x }: { x: number[] }) => x.sort().length === 0),
    ]);
    expect(() => judged(spec)).toThrow('a value of "A" was changed after it was met');
  });

  it("in an event too", () => {
    const spec = alone(
      {
        machine: createMachine({
          id: "taker",
          initial: "a",
          states: {
            a: {
              on: {
                go: {
                  actions: assign(({ event }) => {
                    event["list"].push(1);
                    return {};
                  }),
                },
              },
            },
          },
        }),
        choices: [{ type: "go", list: [] }],
      },
      [],
    );
    expect(() => judged(spec)).toThrow(/the event was changed in place/);
  });
});
