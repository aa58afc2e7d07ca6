/**
 * Dining philosophers: each needs the forks at both sides, and asks for one after the other. A fork is
 * lent to one at a time, and the other neighbour waits in line. If all take their left fork first, each may hold
 * one and wait for the next for ever; if one begins on the other side, that cannot come about.
 */
import { actorModel, allOf, anyOf, inState, type ModelFile, not } from "trackvisor/check";
import { assign, emit, setup } from "xstate";

interface Philosopher {
  readonly first: string;
  readonly second: string;
}

const philosopher = setup({
  types: { context: {} as Philosopher, input: {} as Philosopher },
  actions: {
    askFirst: emit(({ context }) => ({ type: "take", to: context.first })),
    askSecond: emit(({ context }) => ({ type: "take", to: context.second })),
    putBoth: emit(({ context }) => ({ type: "put", to: [context.first, context.second] })),
  },
}).createMachine({
  id: "philosopher",
  context: ({ input }) => input,
  initial: "thinking",
  states: {
    thinking: { on: { hungry: { target: "waiting", actions: "askFirst" } } },
    waiting: { on: { lent: { target: "waitingWithOne", actions: "askSecond" } } },
    waitingWithOne: { on: { lent: "eating" } },
    eating: { on: { full: { target: "thinking", actions: "putBoth" } } },
  },
});

type ForkEvent = { readonly type: "take" | "put"; readonly from: string };

const fork = setup({
  types: { context: {} as { readonly waiting: string | null }, events: {} as ForkEvent },
  actions: {
    lend: emit(({ event }) => ({ type: "lent", to: event.from })),
    lendNext: emit(({ context }) => ({ type: "lent", to: context.waiting })),
    line: assign({ waiting: ({ event }) => event.from }),
    noLine: assign({ waiting: null }),
  },
  guards: { isWanted: ({ context }) => context.waiting !== null },
}).createMachine({
  id: "fork",
  context: { waiting: null },
  initial: "lying",
  states: {
    lying: { on: { take: { target: "taken", actions: "lend" } } },
    taken: {
      on: {
        take: { actions: "line" },
        put: [{ guard: "isWanted", actions: ["lendNext", "noLine"] }, { target: "lying" }],
      },
    },
  },
});

const file: ModelFile = {
  what: "dining philosophers",
  parameters: { philosophers: { value: 3, min: 2, max: 5 } },
  faults: { "same-order": "every philosopher takes the left fork first" },
  build: ({ philosophers = 3 }, fault) => {
    const numbers = Array.from({ length: philosophers }, (_, number) => number);
    const people = numbers.map((number) => `philosopher${number}`);
    const forks = numbers.map((number) => `fork${number}`);
    const forksOf = (number: number): Philosopher => {
      const [left, right] = [forks[number]!, forks[(number + 1) % philosophers]!];
      const isLast = number === philosophers - 1 && fault === null;
      return isLast ? { first: right, second: left } : { first: left, second: right };
    };
    return actorModel({
      name: "philosophers",
      actors: {
        ...Object.fromEntries(
          people.map((name, number) => [
            name,
            {
              machine: philosopher,
              input: forksOf(number),
              choices: [{ type: "hungry" }, { type: "full" }],
              // Nobody must become hungry; but who eats has enough at last.
              fairness: { full: "weak" as const },
            },
          ]),
        ),
        ...Object.fromEntries(forks.map((name) => [name, { machine: fork }])),
      },
      wires: numbers.flatMap((number) => {
        const { first, second } = forksOf(number);
        const person = people[number]!;
        return [
          { from: person, event: "take", to: [first, second], address: "to", sender: "from" },
          { from: person, event: "put", to: [first, second], address: "to", sender: "from" },
          { from: first, event: "lent", to: [person], address: "to" },
          { from: second, event: "lent", to: [person], address: "to" },
        ];
      }),
      properties: [
        {
          kind: "always",
          name: "neighbours do not eat at once",
          that: allOf(
            ...numbers.map((number) => {
              const next = (number + 1) % philosophers;
              return not(
                allOf(inState(people[number]!, "eating"), inState(people[next]!, "eating")),
              );
            }),
          ),
        },
        { kind: "noDeadlock", name: "somebody can always go on" },
        {
          kind: "leadsTo",
          name: "the first philosopher eats when hungry",
          when: anyOf(inState(people[0]!, "waiting"), inState(people[0]!, "waitingWithOne")),
          that: inState(people[0]!, "eating"),
        },
      ],
    });
  },
};

export default file;
