/**
 * The alternating bit protocol: a sender repeats a message until its acknowledgement comes, over a network that
 * loses and duplicates; a bit tells a new message from a repeated one (Bartlett, Scantlebury and Wilkinson, 1969).
 */
import { type ActorState, actorModel, inState, type ModelFile, over } from "trackvisor/check";
import { assign, emit, setup } from "xstate";

interface Counting {
  /** Messages sent and acknowledged, or received. */
  readonly count: number;
  readonly messages: number;
}

type BitEvent = { readonly type: "data" | "acknowledged"; readonly bit: number };

const sender = setup({
  types: { context: {} as Counting, events: {} as BitEvent, input: {} as { messages: number } },
  actions: {
    send: emit(({ context }) => ({ type: "data", bit: context.count % 2 })),
    count: assign({ count: ({ context }) => context.count + 1 }),
  },
  guards: {
    isOfThis: ({ context, event }) => event.bit === context.count % 2,
    isLast: ({ context, event }) =>
      event.bit === context.count % 2 && context.count + 1 === context.messages,
  },
}).createMachine({
  id: "sender",
  context: ({ input }) => ({ count: 0, messages: input.messages }),
  initial: "sending",
  states: {
    sending: {
      entry: "send",
      after: { 100: { target: "sending", reenter: true } },
      on: {
        acknowledged: [
          { guard: "isLast", target: "done", actions: "count" },
          { guard: "isOfThis", target: "sending", reenter: true, actions: "count" },
        ],
      },
    },
    done: { type: "final" },
  },
});

/** @param acceptsAny it does not look at the bit */
const receiver = (acceptsAny: boolean) =>
  setup({
    types: { context: {} as { readonly count: number }, events: {} as BitEvent },
    actions: {
      acknowledge: emit(({ event }) => ({ type: "acknowledged", bit: event.bit })),
      // More than there are is wrong, however many.
      count: assign({ count: ({ context }) => Math.min(context.count + 1, 9) }),
    },
    guards: { isNew: ({ context, event }) => acceptsAny || event.bit === context.count % 2 },
  }).createMachine({
    id: "receiver",
    context: { count: 0 },
    initial: "receiving",
    states: {
      receiving: {
        on: {
          data: [{ guard: "isNew", actions: ["count", "acknowledge"] }, { actions: "acknowledge" }],
        },
      },
    },
  });

const file: ModelFile = {
  what: "the alternating bit protocol over a lossy and duplicating network",
  parameters: { messages: { value: 3, min: 1, max: 5 } },
  faults: {
    "any-bit": "the receiver takes every message for a new one",
    "lost-for-ever": "what is sent again and again may be lost each time",
  },
  build: ({ messages = 3 }, fault) => {
    const network = {
      lossy: true,
      duplicating: true,
      capacity: 2,
      whenFull: "lose",
      fair: fault === "lost-for-ever" ? "weak" : "strong",
    } as const;
    return actorModel({
      name: "alternating-bit",
      actors: {
        sender: { machine: sender, input: { messages } },
        receiver: { machine: receiver(fault === "any-bit"), rests: ["receiving"] },
      },
      wires: [
        { from: "sender", event: "data", to: ["receiver"], ...network },
        { from: "receiver", event: "acknowledged", to: ["sender"], ...network },
      ],
      properties: [
        {
          kind: "always",
          name: "each message is received once",
          that: over(
            ["sender", "receiver"],
            (sent: ActorState<Counting>, received: ActorState<Counting>) => {
              const ahead = received.context.count - sent.context.count;
              return ahead === 0 || ahead === 1;
            },
          ),
        },
        { kind: "noDeadlock", name: "it ends when all is sent" },
        { kind: "eventually", name: "all is sent", that: inState("sender", "done") },
      ],
    });
  },
};

export default file;
