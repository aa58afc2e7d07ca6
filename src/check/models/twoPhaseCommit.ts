/**
 * Two-phase commit, as in Stateright's example (examples/2pc.rs, after Gray and Lamport's TwoPhase.tla):
 * messages are never lost and never consumed, so the network is a board. Its counts are known from other tools
 * (288 and 8,832 states in Stateright's own test), which makes it the common yardstick.
 *
 *   transaction manager                    | resource manager
 *   ---------------------------------------|-------------------------------------------------
 *   init  | prepared           | init      | working  | prepare     | prepared  | emits prepared
 *   init  | commit, all are    | committed | working  | chooseAbort | aborted   |
 *   init  | abort              | aborted   | any      | commit      | committed |
 *                                          | any      | abort       | aborted   |
 */
import { assign, emit, setup } from "xstate";
import { machineTypes } from "../../interconnect/machineTypes.ts";
import { actorModel } from "../actorModel.ts";
import type { ActorState } from "../actors/spec.ts";
import type { Model } from "../engine/model.ts";
import { over } from "../properties/property.ts";

interface TransactionManager {
  /** By resource manager: whether it has said that it is prepared. */
  readonly prepared: readonly boolean[];
}

type TransactionEvent =
  | { readonly type: "prepared"; readonly manager: number }
  | { readonly type: "chooseCommit" | "chooseAbort" };

const { types: transactionTypes, on } = machineTypes<
  TransactionManager,
  TransactionEvent,
  { readonly managers: number },
  { readonly type: "commit" | "abort" }
>();

export const transactionManager = setup({
  types: transactionTypes,
  actions: {
    notePrepared: assign({
      prepared: on("prepared", ({ context, event }) => context.prepared.with(event.manager, true)),
    }),
    sendCommit: emit({ type: "commit" }),
    sendAbort: emit({ type: "abort" }),
  },
  guards: { allPrepared: ({ context }) => context.prepared.every(Boolean) },
}).createMachine({
  id: "transactionManager",
  context: ({ input }) => ({ prepared: Array.from({ length: input.managers }, () => false) }),
  initial: "init",
  states: {
    init: {
      on: {
        prepared: { actions: "notePrepared" },
        chooseCommit: { guard: "allPrepared", target: "committed", actions: "sendCommit" },
        chooseAbort: { target: "aborted", actions: "sendAbort" },
      },
    },
    committed: {},
    aborted: {},
  },
});

export const resourceManager = setup({
  types: machineTypes<
    { readonly manager: number },
    { readonly type: "prepare" | "chooseAbort" | "commit" | "abort" },
    { readonly manager: number },
    { readonly type: "prepared"; readonly manager: number }
  >().types,
  actions: {
    sendPrepared: emit(({ context }) => ({ type: "prepared", manager: context.manager }) as const),
  },
}).createMachine({
  id: "resourceManager",
  context: ({ input }) => input,
  initial: "working",
  on: {
    // Written with a dot: to the same state is a step too, as in the original.
    commit: ".committed",
    abort: ".aborted",
  },
  states: {
    working: {
      on: { prepare: { target: "prepared", actions: "sendPrepared" }, chooseAbort: "aborted" },
    },
    prepared: {},
    committed: {},
    aborted: {},
  },
});

/** @param managers resource managers, 1 or more */
export function twoPhaseCommit(managers: number): Model {
  const names = Array.from({ length: managers }, (_, manager) => `manager${manager}`);
  const decided = (...states: readonly ActorState[]) => states.map(({ value }) => value);
  return actorModel({
    name: "two-phase-commit",
    actors: {
      transaction: {
        machine: transactionManager,
        input: { managers },
        choices: [{ type: "chooseCommit" }, { type: "chooseAbort" }],
      },
      ...Object.fromEntries(
        names.map((name, manager) => [
          name,
          {
            machine: resourceManager,
            input: { manager },
            choices: [{ type: "prepare" }, { type: "chooseAbort" }],
          },
        ]),
      ),
    },
    wires: [
      ...names.map((from) => {
        return { from, event: "prepared", to: ["transaction"], kind: "shared" } as const;
      }),
      { from: "transaction", event: "commit", to: names, kind: "shared" },
      { from: "transaction", event: "abort", to: names, kind: "shared" },
    ],
    symmetry: {
      members: names,
      indexed: { transaction: ["prepared"] },
      references: ["manager"],
    },
    properties: [
      {
        kind: "always",
        name: "consistent",
        that: over(names, (...states: readonly ActorState[]) => {
          const values = decided(...states);
          return !(values.includes("aborted") && values.includes("committed"));
        }),
      },
      {
        kind: "sometimes",
        name: "all commit",
        that: over(names, (...states: readonly ActorState[]) =>
          states.every(({ value }) => value === "committed"),
        ),
      },
      {
        kind: "sometimes",
        name: "all abort",
        that: over(names, (...states: readonly ActorState[]) =>
          states.every(({ value }) => value === "aborted"),
        ),
      },
    ],
  });
}
