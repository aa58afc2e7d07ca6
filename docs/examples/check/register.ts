/**
 * A register on two servers, replicated as a chain (van Renesse and Schneider, 2004): writes go to the head, which
 * passes them to the tail, which answers; reads are answered by the tail alone. What clients see is linearizable:
 * as if each operation took effect at one moment between its call and its answer. Read from the head it is not.
 */
import {
  actorModel,
  isLinearizable,
  type ModelFile,
  type OperationEvent,
  over,
} from "trackvisor/check";
import { assign, emit, setup } from "xstate";

interface Register {
  readonly value: number;
}
type Request = {
  readonly type: "write" | "read" | "passed";
  readonly value: number;
  readonly from: string;
};

const head = setup({
  types: { context: {} as Register, events: {} as Request },
  actions: {
    store: assign({ value: ({ event }) => event.value }),
    pass: emit(({ event }) => ({ type: "passed", value: event.value, from: event.from })),
    reply: emit(({ context, event }) => ({ type: "got", value: context.value, to: event.from })),
  },
}).createMachine({
  id: "head",
  context: { value: 0 },
  initial: "serving",
  states: {
    serving: { on: { write: { actions: ["store", "pass"] }, read: { actions: "reply" } } },
  },
});

const tail = setup({
  types: { context: {} as Register, events: {} as Request },
  actions: {
    store: assign({ value: ({ event }) => event.value }),
    confirm: emit(({ event }) => ({ type: "stored", to: event.from })),
    reply: emit(({ context, event }) => ({ type: "got", value: context.value, to: event.from })),
  },
}).createMachine({
  id: "tail",
  context: { value: 0 },
  initial: "serving",
  states: {
    serving: { on: { passed: { actions: ["store", "confirm"] }, read: { actions: "reply" } } },
  },
});

interface Client {
  readonly value: number;
  /** Where it reads first. */
  readonly reads: string;
}

/** Writes its value, then reads twice. */
const client = setup({
  types: { context: {} as Client, input: {} as Client },
  actions: {
    write: emit(({ context }) => ({ type: "write", value: context.value, to: "head" })),
    read: emit(({ context }) => ({ type: "read", to: context.reads })),
    readAgain: emit({ type: "read", to: "tail" }),
  },
}).createMachine({
  id: "client",
  context: ({ input }) => input,
  initial: "idle",
  states: {
    idle: { on: { begin: { target: "writing", actions: "write" } } },
    writing: { on: { stored: { target: "reading", actions: "read" } } },
    reading: { on: { got: { target: "readingAgain", actions: "readAgain" } } },
    readingAgain: { on: { got: "done" } },
    done: { type: "final" },
  },
});

type Call = { readonly write: number } | "read";
type History = readonly OperationEvent<Call, number | null>[];

const file: ModelFile = {
  what: "a replicated register, and whether it is linearizable",
  parameters: { clients: { value: 2, min: 1, max: 3 } },
  faults: { "read-at-head": "the last client reads from the head first" },
  build: ({ clients: count = 2 }, fault) => {
    const clients = Array.from({ length: count }, (_, number) => `client${number}`);
    return actorModel({
      name: "register",
      actors: {
        head: { machine: head, rests: ["serving"] },
        tail: { machine: tail, rests: ["serving"] },
        ...Object.fromEntries(
          clients.map((name, number) => {
            const isWrong = fault !== null && number === count - 1;
            const input: Client = { value: number + 1, reads: isWrong ? "head" : "tail" };
            return [name, { machine: client, input, choices: [{ type: "begin" }] }];
          }),
        ),
      },
      wires: [
        ...clients.flatMap((from) => [
          { from, event: "write", to: ["head"], sender: "from" },
          { from, event: "read", to: ["head", "tail"], address: "to", sender: "from" },
        ]),
        { from: "head", event: "passed", to: ["tail"] },
        { from: "tail", event: "stored", to: clients, address: "to" },
        { from: "tail", event: "got", to: clients, address: "to" },
        ...(fault === null ? [] : [{ from: "head", event: "got", to: clients, address: "to" }]),
      ],
      observer: {
        initial: [],
        events: ["begin", "stored", "got"],
        record: (history: History, { receiver, event, sent }): History => [
          ...history,
          ...(event.type === "begin"
            ? []
            : [{ client: receiver, result: event.type === "got" ? event["value"] : null }]),
          ...sent.map(({ event: { type, value } }) => ({
            client: receiver,
            call: type === "write" ? { write: value } : ("read" as const),
          })),
        ],
      },
      properties: [
        {
          kind: "always",
          name: "what clients see is linearizable",
          that: over(["history"], (history: History) =>
            isLinearizable(history, 0, (value, call) =>
              call === "read" ? [value, value] : [call.write, null],
            ),
          ),
        },
        { kind: "noDeadlock", name: "everybody is answered" },
      ],
    });
  },
};

export default file;
