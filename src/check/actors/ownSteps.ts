/**
 * What an actor may do without a message: its choices, timers that end, invoked actors that end, crash and
 * restart. Each is an event with a mark, so that none is taken for a message of the same type.
 */
import type { AnyEventObject } from "xstate";
import { itemAt } from "../../lookup.ts";
import { OWN_STEP, shownMessage } from "../engine/model.ts";
import { type ActorSpec, type ActorState, CRASHED, type Ends } from "./spec.ts";
import type { PureMachine, Stepped } from "./steps.ts";
import { nextTimers } from "./timers.ts";

/** Which step of its own an event stands for. */
type OwnStep =
  | { readonly timer: number }
  | { readonly invoked: string }
  | { readonly crash: true }
  | { readonly restart: true };

function own(event: AnyEventObject, step: OwnStep): AnyEventObject {
  return { ...event, [OWN_STEP]: step };
}

function ownStepOf(event: AnyEventObject): OwnStep | undefined {
  return event[OWN_STEP];
}

/** Whether the event is the end of a timer of the actor's own. */
export function isTimersEnd(event: AnyEventObject): boolean {
  const step = ownStepOf(event);
  return step !== undefined && "timer" in step;
}

/** What an actor in this state may do by itself. */
export function ownEvents(spec: ActorSpec, state: ActorState): readonly AnyEventObject[] {
  const { crash, timers = "ordered" } = spec;
  if (state.status === "crashed") {
    return crash?.restarts === false ? [] : [own({ type: "restart" }, { restart: true })];
  }
  if (state.status === "done") return [];
  const { choices = [] } = spec;
  const mayCrash = crash !== undefined && (state.crashes ?? 0) < (crash.most ?? Infinity);
  return [
    ...(typeof choices === "function" ? choices(state) : choices),
    ...nextTimers(state.timers ?? [], timers === "ordered").map((position) =>
      own(itemAt(state.timers!, position).event, { timer: position }),
    ),
    ...Object.entries(state.invoked ?? {}).flatMap(([id, src]) => endsOf(spec, id, src)),
    ...(mayCrash ? [own({ type: "crash" }, { crash: true })] : []),
  ];
}

function endsOf({ invoked = {} }: ActorSpec, id: string, src: string): readonly AnyEventObject[] {
  const { done = [], error = [] }: Ends = invoked[src] ?? invoked[id] ?? {};
  return [
    ...done.map((output) =>
      own({ type: `xstate.done.actor.${id}`, output, actorId: id }, { invoked: id }),
    ),
    ...error.map((reason) =>
      own({ type: `xstate.error.actor.${id}`, error: reason, actorId: id }, { invoked: id }),
    ),
  ];
}

/** The step of an actor for any event. Null if its machine does not take it. */
export function actorStep(
  spec: ActorSpec,
  machine: PureMachine,
  state: ActorState,
  event: AnyEventObject,
): Stepped | null {
  const step = ownStepOf(event);
  if (step === undefined) {
    // What is done or down takes nothing.
    return state.status === "active" ? keepingCrashes(state, machine.step(state, event)) : null;
  }
  if ("timer" in step) return keepingCrashes(state, machine.endTimer(state, step.timer));
  if ("invoked" in step) {
    return keepingCrashes(state, machine.endInvoked(state, step.invoked, shownMessage(event)));
  }
  return "crash" in step
    ? crashed(spec, state)
    : keepingCrashes(state, machine.initial(state.input));
}

function crashed({ crash, input }: ActorSpec, state: ActorState): Stepped {
  const next = crash!.input === undefined ? input : crash!.input(state.context);
  const isLast = crash!.restarts === false;
  return {
    state: {
      value: CRASHED,
      context: {},
      status: "crashed",
      ...(isLast ? {} : { input: next }),
      ...(crash!.most === undefined ? {} : { crashes: (state.crashes ?? 0) + 1 }),
    },
    emitted: [],
    toItself: [],
  };
}

function keepingCrashes({ crashes }: ActorState, stepped: Stepped | null): Stepped | null {
  if (stepped === null || crashes === undefined) return stepped;
  return { ...stepped, state: { ...stepped.state, crashes } };
}
