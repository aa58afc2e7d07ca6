/**
 * Models of calls to one piece of a kernel or a hypervisor: whoever calls does so at any moment and in any order, and each
 * call is one step. What was owed to a caller and not in the answer is `lost`.
 */
import { type AnyEventObject, type AnyStateMachine, assign, setup } from "xstate";
import { machineTypes } from "../../interconnect/machineTypes.ts";
import { actorModel } from "../actorModel.ts";
import type { ActorState } from "../actors/spec.ts";
import type { Model } from "../engine/model.ts";
import { over } from "../properties/property.ts";

export interface CallState {
  /** An answer has left out what it owed. */
  readonly lost: boolean;
}

export interface CallSpec<State extends CallState, Call extends AnyEventObject> {
  readonly name: string;
  /** Who is called. */
  readonly callee: string;
  readonly initial: State;
  /** Every call, with its arguments. */
  readonly calls: readonly Call[];
  perform(state: State, call: Call): State;
  /** What never happens; and what must happen in some run, or the model would be none. */
  readonly always: Readonly<Record<string, (state: State) => boolean>>;
  readonly sometimes: Readonly<Record<string, (state: State) => boolean>>;
}

export const NOTHING_LOST = "no answer leaves out what it owes";

/** @throws UserError for what cannot be explored */
export function callModel<State extends CallState, Call extends AnyEventObject>(
  spec: CallSpec<State, Call>,
): Model {
  const { name, callee, initial, calls, perform } = spec;
  const { types } = machineTypes<State, Call, undefined, AnyEventObject>();
  const machine: AnyStateMachine = setup({
    types,
    actions: { perform: assign(({ context, event }) => perform(context, event)) },
  }).createMachine({
    id: callee,
    context: initial,
    initial: "serving",
    states: { serving: { on: { "*": { actions: "perform" } } } },
  });
  const of = (holds: (state: State) => boolean) =>
    over([callee], ({ context }: ActorState<State>) => holds(context));
  const always = { [NOTHING_LOST]: ({ lost }: State) => !lost, ...spec.always };
  return actorModel({
    name,
    actors: { [callee]: { machine, choices: calls } },
    wires: [],
    properties: [
      ...Object.entries(always).map(
        ([property, holds]) => ({ kind: "always", name: property, that: of(holds) }) as const,
      ),
      ...Object.entries(spec.sometimes).map(
        ([property, holds]) => ({ kind: "sometimes", name: property, that: of(holds) }) as const,
      ),
    ],
  });
}
