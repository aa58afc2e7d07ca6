/**
 * Election of a leader on a ring: each node sends its name round, and passes on what is greater than its own; whose
 * name comes back is the leader (Chang and Roberts, 1979).
 */
import {
  type ActorState,
  actorModel,
  anyOf,
  inState,
  type ModelFile,
  over,
} from "trackvisor/check";
import { emit, setup } from "xstate";

interface Node {
  readonly name: number;
}
type Candidate = { readonly type: "candidate"; readonly name: number };

/** @param passesAll it passes on smaller names as well */
const node = (passesAll: boolean) =>
  setup({
    types: { context: {} as Node, input: {} as Node, events: {} as Candidate | { type: "start" } },
    actions: {
      sendOwn: emit(({ context }) => ({ type: "candidate", name: context.name })),
      pass: emit(({ event }) => event as Candidate),
    },
    guards: {
      isOwn: ({ context, event }) => (event as Candidate).name === context.name,
      isPassed: ({ context, event }) => passesAll || (event as Candidate).name > context.name,
    },
  }).createMachine({
    id: "node",
    context: ({ input }) => input,
    initial: "idle",
    states: {
      idle: {
        on: {
          start: { target: "candidate", actions: "sendOwn" },
          candidate: [
            { guard: "isPassed", target: "follower", actions: "pass" },
            { target: "candidate", actions: "sendOwn" },
          ],
        },
      },
      candidate: {
        on: {
          candidate: [
            { guard: "isOwn", target: "leader" },
            { guard: "isPassed", target: "follower", actions: "pass" },
            { actions: [] },
          ],
        },
      },
      follower: { on: { candidate: { guard: "isPassed", actions: "pass" } } },
      leader: {},
    },
  });

/** Names by place on the ring. */
const NAMES = [3, 1, 4, 2, 5];

const file: ModelFile = {
  what: "election of a leader on a ring",
  parameters: { nodes: { value: 4, min: 2, max: 5 } },
  faults: { "passes-all": "a node passes on names that are smaller than its own" },
  build: ({ nodes = 4 }, fault) => {
    const names = Array.from({ length: nodes }, (_, place) => `node${place}`);
    const greatest = Math.max(...NAMES.slice(0, nodes));
    const machine = node(fault === "passes-all");
    return actorModel({
      name: "ring-election",
      actors: Object.fromEntries(
        names.map((name, place) => [
          name,
          {
            machine,
            input: { name: NAMES[place]! },
            choices: [{ type: "start" }],
            fairness: { start: "weak" as const },
            rests: ["follower", "leader"],
          },
        ]),
      ),
      wires: names.map((from, place) => {
        return { from, event: "candidate", to: [names[(place + 1) % nodes]!] };
      }),
      properties: [
        {
          kind: "always",
          name: "the leader has the greatest name",
          that: over(names, (...all: readonly ActorState<Node>[]) =>
            all.every(({ value, context }) => value !== "leader" || context.name === greatest),
          ),
        },
        {
          kind: "eventually",
          name: "somebody is elected",
          that: anyOf(...names.map((name) => inState(name, "leader"))),
        },
        { kind: "noDeadlock", name: "it ends with a leader and followers" },
      ],
    });
  },
};

export default file;
