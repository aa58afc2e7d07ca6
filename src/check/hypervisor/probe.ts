/** What a machine would do with an event, without doing it: whether it takes it, and what it asks of its device. */
import type { AnyActorScope, AnyEventObject, AnyStateMachine } from "xstate";
import { type CompiledLogic, compileLogic } from "../../interconnect/compiledLogic.ts";
import type { HarvestMode, Technique } from "../../interconnect/messages.ts";
import type { ActorSnapshot } from "../../system/actors.ts";

/** A request to a device: what it is, and whatever else it says. */
export interface DeviceRequest {
  readonly op: string;
  readonly vcpu?: number;
  readonly mode?: HarvestMode;
  readonly technique?: Technique;
  readonly after?: string;
}

export interface Foreseen {
  /** The machine has a transition for the event. */
  readonly taken: boolean;
  /** Requests of that transition. A reply may lead to more. */
  readonly requests: readonly DeviceRequest[];
}

/** The whole of a transition, without device and without sending. */
export interface Transition extends ActorSnapshot {
  readonly emitted: readonly AnyEventObject[];
}

export class Probe {
  readonly #logic: CompiledLogic;
  #emitted: AnyEventObject[] = [];
  readonly #scope: AnyActorScope;

  constructor(machine: AnyStateMachine) {
    const emit = (emission: AnyEventObject): void => {
      this.#emitted.push(emission);
    };
    this.#scope = { emit } as Partial<AnyActorScope> as AnyActorScope;
    this.#logic = compileLogic(machine);
  }

  foresee(state: ActorSnapshot, event: AnyEventObject): Foreseen {
    const after = this.#next(state, event);
    const requests = this.#emitted
      .filter(({ type }) => type === "device")
      .map((emission) => emission["request"] as DeviceRequest);
    return { taken: after !== null, requests };
  }

  transition(state: ActorSnapshot, event: AnyEventObject): Transition {
    const { value, context } = this.#next(state, event) ?? state;
    return { value, context, emitted: this.#emitted };
  }

  /** Null if the machine has no transition for the event. */
  #next({ value, context }: ActorSnapshot, event: AnyEventObject): ActorSnapshot | null {
    this.#emitted = [];
    const before = {
      status: "active",
      output: undefined,
      error: undefined,
      value,
      context,
    } as const;
    const after = this.#logic.transition(before, event, this.#scope);
    return after === before ? null : after;
  }
}
