/**
 * Peterson's algorithm: two processes exclude each other by three words of memory, which they read and write one
 * at a time (G. L. Peterson, "Myths about the mutual exclusion problem", 1981). The order of the two writes matters.
 */
import { actorModel, allOf, inState, type ModelFile, not } from "trackvisor/check";
import { assign, emit, setup } from "xstate";

type Word = "wants0" | "wants1" | "turn";
type Memory = Readonly<Record<Word, number>>;
type MemoryEvent = {
  readonly type: "read" | "write";
  readonly word: Word;
  readonly value: number;
  readonly from: string;
};

const memory = setup({
  types: { context: {} as Memory, events: {} as MemoryEvent },
  actions: {
    store: assign(({ event }) => ({ [event.word]: event.value })),
    confirm: emit(({ event }) => ({ type: "written", to: event.from })),
    reply: emit(({ context, event }) => ({
      type: "value",
      value: context[event.word],
      to: event.from,
    })),
  },
}).createMachine({
  id: "memory",
  context: { wants0: 0, wants1: 0, turn: 0 },
  initial: "serving",
  states: {
    serving: { on: { read: { actions: "reply" }, write: { actions: ["store", "confirm"] } } },
  },
});

type ProcessEvent = { readonly type: "value"; readonly value: number } | { readonly type: string };

/** @param isTurnFirst the process gives the turn away before it says that it wants to enter */
function processMachine(number: 0 | 1, isTurnFirst: boolean) {
  const other = 1 - number;
  const write = (word: Word, value: number) => emit({ type: "write", word, value });
  const read = (word: Word) => emit({ type: "read", word });
  const [mine, theirs] = [`wants${number}`, `wants${other}`] as [Word, Word];
  const writes = isTurnFirst ? (["turn", mine] as const) : ([mine, "turn"] as const);
  const valueFor = (word: Word) => (word === "turn" ? other : 1);
  return setup({
    types: { events: {} as ProcessEvent },
    actions: {
      writeFirst: write(writes[0], valueFor(writes[0])),
      writeSecond: write(writes[1], valueFor(writes[1])),
      readTheirs: read(theirs),
      readTurn: read("turn"),
      writeLeft: write(mine, 0),
    },
    guards: {
      isZero: ({ event }) => "value" in event && event.value === 0,
      isMine: ({ event }) => "value" in event && event.value === number,
    },
  }).createMachine({
    id: `process${number}`,
    initial: "outside",
    states: {
      outside: { on: { enter: { target: "writingFirst", actions: "writeFirst" } } },
      writingFirst: { on: { written: { target: "writingSecond", actions: "writeSecond" } } },
      writingSecond: { on: { written: { target: "readingTheirs", actions: "readTheirs" } } },
      readingTheirs: {
        on: {
          value: [
            { guard: "isZero", target: "inside" },
            { target: "readingTurn", actions: "readTurn" },
          ],
        },
      },
      readingTurn: {
        on: {
          value: [
            { guard: "isMine", target: "inside" },
            { target: "readingTheirs", actions: "readTheirs" },
          ],
        },
      },
      inside: { on: { leave: { target: "leaving", actions: "writeLeft" } } },
      leaving: { on: { written: "outside" } },
    },
  });
}

const file: ModelFile = {
  what: "Peterson's mutual exclusion of two processes",
  faults: { "turn-first": "a process gives the turn away before it says that it wants to enter" },
  build: (_parameters, fault) => {
    const processes = ["process0", "process1"];
    const actor = (number: 0 | 1) => ({
      machine: processMachine(number, fault === "turn-first"),
      choices: [{ type: "enter" }, { type: "leave" }],
      fairness: { leave: "weak" as const },
    });
    return actorModel({
      name: "peterson",
      actors: { memory: { machine: memory }, process0: actor(0), process1: actor(1) },
      wires: [
        ...processes.flatMap((from) => [
          { from, event: "read", to: ["memory"], sender: "from" },
          { from, event: "write", to: ["memory"], sender: "from" },
        ]),
        { from: "memory", event: "written", to: processes, address: "to" },
        { from: "memory", event: "value", to: processes, address: "to" },
      ],
      properties: [
        {
          kind: "always",
          name: "one process is inside at a time",
          that: not(allOf(inState("process0", "inside"), inState("process1", "inside"))),
        },
        { kind: "noDeadlock", name: "somebody can always go on" },
        {
          kind: "leadsTo",
          name: "who wants to enter does",
          when: inState("process0", "writingSecond"),
          that: inState("process0", "inside"),
        },
      ],
    });
  },
};

export default file;
