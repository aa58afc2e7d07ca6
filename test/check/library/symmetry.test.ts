/** Members count as alike only where they are: what is not the same for all of them is found as the search goes. */
import { describe, expect, it } from "vitest";
import { type AnyEventObject, assign, createMachine, emit } from "xstate";
import type { ActorModelSpec, ActorSpec, ActorState } from "../../../src/check/actors/spec.ts";
import { over, type Property } from "../../../src/check/properties/property.ts";
import { flat, judged } from "./judged.ts";

const fieldOf = (event: AnyEventObject, field: string) => event[field] as number;

const MEMBERS = ["m0", "m1", "m2"];
const references = ["member", "owner", "line"];

const noneInC: Property = {
  kind: "always",
  name: "none in c",
  that: over(MEMBERS, (...all: readonly ActorState[]) => all.every(({ value }) => value !== "c")),
};

function members(
  actor: (member: number) => ActorSpec,
  properties: readonly Property[],
  more: Partial<ActorModelSpec> = {},
): ActorModelSpec {
  return {
    name: "members",
    actors: { ...Object.fromEntries(MEMBERS.map((name, i) => [name, actor(i)])), ...more.actors },
    wires: more.wires ?? [],
    symmetry: { members: MEMBERS, indexed: {}, references },
    properties,
    ...(more.observer === undefined ? {} : { observer: more.observer }),
  };
}

const goes = (c: boolean): ActorSpec => ({
  machine: flat({ a: { go: "b" }, b: c ? { go: "c" } : { go: "a" }, c: {} }),
  choices: [{ type: "go" }],
});

it("members that are alike are counted in orbits, with the same verdicts", () => {
  const spec = members(() => goes(true), [noneInC]);
  const [all, orbits] = [judged(spec), judged(spec, { symmetry: true })];
  expect([all.distinct, orbits.distinct]).toEqual([27, 10]);
  expect([all.verdicts, orbits.verdicts]).toEqual([
    { "none in c": "violated" },
    { "none in c": "violated" },
  ]);
});

describe("is refused", () => {
  it.each([0, 1, 2])("a machine that is another for member %i", (odd) => {
    const spec = members((member) => goes(member === odd), [noneInC]);
    expect(() => judged(spec, { symmetry: true })).toThrow(
      /is not symmetric: what m\d does on "go"/,
    );
  });

  it("a choice that one member has alone", () => {
    const choices = [{ type: "go" }, { type: "leave" }];
    const spec = members(
      (member) => ({ ...goes(true), ...(member === 1 ? { choices } : {}) }),
      [noneInC],
    );
    expect(() => judged(spec, { symmetry: true })).toThrow('one has the choice "leave"');
  });

  it("a property of some members", () => {
    const one: Property = { kind: "always", name: "m0 not", that: over(["m0"], () => true) };
    expect(() =>
      judged(
        members(() => goes(true), [one]),
        { symmetry: true },
      ),
    ).toThrow('property "m0 not" speaks of "m0" and not of "m1"');
  });

  it("a property that tells members apart", () => {
    const first: Property = {
      kind: "always",
      name: "m2 first",
      that: over(
        MEMBERS,
        (a: ActorState, _b: ActorState, c: ActorState) => !(c.value === "c" && a.value === "a"),
      ),
    };
    expect(() =>
      judged(
        members(() => goes(true), [first]),
        { symmetry: true },
      ),
    ).toThrow('property "m2 first" tells members apart');
  });

  it("a step property that tells members apart", () => {
    const step: Property = {
      kind: "step",
      name: "not m1",
      that: ({ receiver }) => receiver !== "m1",
    };
    expect(() =>
      judged(
        members(() => goes(true), [step]),
        { symmetry: true },
      ),
    ).toThrow('property "not m1" tells members apart');
  });

  it("a member without a channel that others have", () => {
    const machine = createMachine({
      id: "m",
      initial: "a",
      states: { a: { on: { go: { actions: emit({ type: "x" }) } } } },
    });
    const spec = members(() => ({ machine, choices: [{ type: "go" }] }), [], {
      actors: { S: { machine: flat({ s: { x: "s" } }) } },
      wires: ["m0", "m1"].map((from) => ({ from, event: "x", to: ["S"] })),
    });
    expect(() => judged(spec, { symmetry: true })).toThrow("the members are not alike");
  });
});

/** A lock that keeps who has it, and who waits in line. */
function lock(field: string): ActorModelSpec {
  const client = createMachine({
    id: "client",
    context: ({ input }) => ({ member: input as number }),
    initial: "idle",
    states: {
      idle: {
        on: {
          want: {
            target: "waiting",
            actions: emit(({ context }) => ({ type: "ask", member: context["member"] })),
          },
        },
      },
      waiting: { on: { grant: "holding" } },
      holding: { on: { done: { target: "idle", actions: emit({ type: "release" }) } } },
    },
  });
  interface Held {
    readonly [owner: string]: unknown;
    readonly line: readonly number[];
  }
  const to = (member: unknown) => `m${String(member)}`;
  const server = createMachine({
    id: "server",
    context: { [field]: null, line: [] } as Held,
    initial: "free",
    states: {
      free: {
        on: {
          ask: {
            target: "held",
            actions: [
              assign(({ event }) => ({ [field]: fieldOf(event, "member") })),
              emit(({ context }) => ({ type: "grant", member: to(context[field]) })),
            ],
          },
        },
      },
      held: {
        on: {
          ask: {
            actions: assign({
              line: ({ context, event }) => [...context.line, fieldOf(event, "member")],
            }),
          },
          release: [
            {
              guard: ({ context }) => context.line.length > 0,
              actions: [
                assign(({ context }) => ({
                  [field]: context.line[0],
                  line: context.line.slice(1),
                })),
                emit(({ context }) => ({ type: "grant", member: to(context[field]) })),
              ],
            },
            { target: "free", actions: assign({ [field]: null }) },
          ],
        },
      },
    },
  });
  return members(
    (member) => ({ machine: client, input: member, choices: [{ type: "want" }, { type: "done" }] }),
    [
      {
        kind: "always",
        name: "one holds it",
        that: over(
          MEMBERS,
          (...all: readonly ActorState[]) =>
            all.filter(({ value }) => value === "holding").length <= 1,
        ),
      },
    ],
    {
      actors: { server: { machine: server } },
      wires: [
        ...MEMBERS.flatMap((from) =>
          ["ask", "release"].map((event) => ({ from, event, to: ["server"] })),
        ),
        { from: "server", event: "grant", to: MEMBERS, address: "member" },
      ],
    },
  );
}

describe("what others keep about members", () => {
  it("is renamed with them: an owner, and a line in its order", () => {
    const [all, orbits] = [judged(lock("owner")), judged(lock("owner"), { symmetry: true })];
    expect([all.verdicts, orbits.verdicts]).toEqual([
      { "one holds it": "holds" },
      { "one holds it": "holds" },
    ]);
    expect(orbits.distinct).toBeLessThan(all.distinct / 4);
    expect(orbits.distinct).toBeGreaterThanOrEqual(all.distinct / 6);
  });

  it("is refused under a name that is not said to hold a member's number", () => {
    expect(() => judged(lock("holder"), { symmetry: true })).toThrow(
      "every field that holds a member's number or name must be in references or indexed",
    );
  });
});

it("members that speak of each other are counted in orbits too", () => {
  // Each chooses another, once: the states are the graphs of choices.
  const machine = createMachine({
    id: "chooser",
    context: ({ input }) => ({ member: input as number, owner: null as number | null }),
    initial: "a",
    states: {
      a: {
        on: {
          choose: {
            guard: ({ context, event }) => fieldOf(event, "owner") !== context["member"],
            target: "b",
            actions: assign({
              owner: ({ event }) => fieldOf(event, "owner"),
            }),
          },
        },
      },
      b: {},
    },
  });
  const choices = MEMBERS.map((_, owner) => ({ type: "choose", owner }));
  const spec = members((member) => ({ machine, input: member, choices }), []);
  const [all, orbits] = [judged(spec), judged(spec, { symmetry: true })];
  expect(all.distinct).toBe(27);
  // Partial functions without fixed points on three points, up to renaming (counted by hand: 1, 1, 3, 2).
  expect(orbits.distinct).toBe(7);
});
