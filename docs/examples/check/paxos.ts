/**
 * Single-decree Paxos (Lamport, "Paxos made simple", 2001): proposers with ballots of their own, acceptors, a network
 * that reorders. A value is chosen once a majority has accepted it in one ballot; the observer notes who accepts what.
 */
import { actorModel, type ModelFile, over } from "trackvisor/check";
import { assign, emit, setup } from "xstate";

/** What an acceptor has accepted last; ballot 0: nothing. */
interface Accepted {
  readonly ballot: number;
  readonly value: string;
}
const NOTHING: Accepted = { ballot: 0, value: "" };

interface Proposer {
  readonly ballot: number;
  readonly value: string;
  readonly majority: number;
  /** How many have promised, and the accepted value of the highest ballot among theirs. */
  readonly promises: number;
  readonly highest: Accepted;
}
type Promised = { readonly type: "promise"; readonly ballot: number; readonly accepted: Accepted };

/** @param prefersOwn it proposes its own value, whatever was accepted before */
const proposer = (prefersOwn: boolean) =>
  setup({
    types: {
      context: {} as Proposer,
      input: {} as Pick<Proposer, "ballot" | "value" | "majority">,
      events: {} as Promised | { readonly type: "propose" },
    },
    actions: {
      prepare: emit(({ context }) => ({ type: "prepare", ballot: context.ballot })),
      notePromise: assign({
        promises: ({ context }) => context.promises + 1,
        highest: ({ context, event }) => {
          const { accepted } = event as Promised;
          return accepted.ballot > context.highest.ballot ? accepted : context.highest;
        },
      }),
      accept: emit(({ context: { ballot, value, highest } }) => ({
        type: "accept",
        ballot,
        value: prefersOwn || highest.ballot === 0 ? value : highest.value,
      })),
    },
    guards: { isMajority: ({ context }) => context.promises + 1 === context.majority },
  }).createMachine({
    id: "proposer",
    context: ({ input }) => ({ ...input, promises: 0, highest: NOTHING }),
    initial: "idle",
    states: {
      idle: { on: { propose: { target: "preparing", actions: "prepare" } } },
      preparing: {
        on: {
          promise: [
            { guard: "isMajority", target: "proposed", actions: ["notePromise", "accept"] },
            { actions: "notePromise" },
          ],
        },
      },
      proposed: {},
    },
  });

interface Acceptor {
  readonly promised: number;
  readonly accepted: Accepted;
}
type Asked = {
  readonly type: "prepare" | "accept";
  readonly ballot: number;
  readonly value: string;
  readonly from: string;
};

const acceptor = setup({
  types: { context: {} as Acceptor, events: {} as Asked },
  actions: {
    promise: assign({ promised: ({ event }) => event.ballot }),
    answer: emit(({ context, event }) => ({
      type: "promise",
      ballot: event.ballot,
      accepted: context.accepted,
      to: event.from,
    })),
    accept: assign(({ event: { ballot, value } }) => ({
      promised: ballot,
      accepted: { ballot, value },
    })),
  },
  guards: {
    isNewer: ({ context, event }) => event.ballot > context.promised,
    isAllowed: ({ context, event }) => event.ballot >= context.promised,
  },
}).createMachine({
  id: "acceptor",
  context: { promised: 0, accepted: NOTHING },
  initial: "serving",
  states: {
    serving: {
      on: {
        prepare: { guard: "isNewer", actions: ["promise", "answer"] },
        accept: { guard: "isAllowed", actions: "accept" },
      },
    },
  },
});

/** By ballot and value: how many have accepted it. */
type Votes = Readonly<Record<string, number>>;

const file: ModelFile = {
  what: "single-decree Paxos",
  parameters: {
    acceptors: { value: 3, min: 1, max: 5 },
    proposers: { value: 2, min: 1, max: 3 },
  },
  faults: { "own-value": "a proposer proposes its own value, whatever was accepted before" },
  build: ({ acceptors: count = 3, proposers: rivals = 2 }, fault) => {
    const acceptors = Array.from({ length: count }, (_, number) => `acceptor${number}`);
    const proposers = Array.from({ length: rivals }, (_, number) => `proposer${number}`);
    const majority = Math.floor(count / 2) + 1;
    const machine = proposer(fault === "own-value");
    const chosen = (votes: Votes): readonly string[] => {
      const won = Object.keys(votes).filter((key) => votes[key]! >= majority);
      return [...new Set(won.map((key) => key.split(" ")[1]!))];
    };
    const network = { kind: "bag" } as const;
    return actorModel({
      name: "paxos",
      actors: {
        ...Object.fromEntries(
          proposers.map((name, number) => [
            name,
            {
              machine,
              input: { ballot: number + 1, value: `v${number}`, majority },
              choices: [{ type: "propose" }],
            },
          ]),
        ),
        ...Object.fromEntries(acceptors.map((name) => [name, { machine: acceptor }])),
      },
      wires: [
        ...proposers.flatMap((from) => [
          { from, event: "prepare", to: acceptors, sender: "from", ...network },
          { from, event: "accept", to: acceptors, sender: "from", ...network },
        ]),
        ...acceptors.map((from) => {
          return { from, event: "promise", to: proposers, address: "to", ...network };
        }),
      ],
      symmetry: { members: acceptors, indexed: {}, references: [] },
      observer: {
        name: "votes",
        initial: {},
        events: ["accept"],
        record: (votes: Votes, { event }) => {
          const key = `${event["ballot"]} ${event["value"]}`;
          return { ...votes, [key]: (votes[key] ?? 0) + 1 };
        },
      },
      properties: [
        {
          kind: "always",
          name: "one value is chosen at most",
          that: over(["votes"], (votes: Votes) => chosen(votes).length <= 1),
        },
        ...proposers.map((_, number) => ({
          kind: "sometimes" as const,
          name: `v${number} can be chosen`,
          that: over(["votes"], (votes: Votes) => chosen(votes).includes(`v${number}`)),
        })),
      ],
    });
  },
};

export default file;
