/** What a machine is to a model: pure functions from a state and an event to what follows. */
import type { AnyEventObject } from "xstate";
import type { ActorState } from "./spec.ts";

export interface Stepped {
  readonly state: ActorState;
  /** In the order of emission. */
  readonly emitted: readonly AnyEventObject[];
  /** What it sent to itself. */
  readonly toItself: readonly AnyEventObject[];
}

export interface PureMachine {
  initial(input: unknown): Stepped;
  /** Null if the machine does not take the event. @throws what the machine throws */
  step(state: ActorState, event: AnyEventObject): Stepped | null;
  /** The step in which a timer, by its position, ends. */
  endTimer(state: ActorState, position: number): Stepped;
  /** The step in which an invoked actor ends with this event. */
  endInvoked(state: ActorState, id: string, event: AnyEventObject): Stepped;
}
