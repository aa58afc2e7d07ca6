/** What a machine would do with an event, without doing it: whether it takes it, and what it asks of its device. */
import type { AnyActorScope, AnyEventObject, AnyStateMachine } from "xstate";
import { type CompiledLogic, compileLogic } from "../../interconnect/compiledLogic.ts";
import type { ActorSnapshot } from "../../system/actors.ts";

/** A request to a device: what it is, and whatever else it says. */
export interface DeviceRequest {
  readonly op: string;
  readonly vcpu?: number;
}

export interface Foreseen {
  /** The machine has a transition for the event. */
  readonly taken: boolean;
  /** Requests of that transition. A reply may lead to more. */
  readonly requests: readonly DeviceRequest[];
}

export class Probe {
  readonly machineId: string;
  readonly #logic: CompiledLogic;
  #requests: DeviceRequest[] = [];

  constructor(machine: AnyStateMachine) {
    this.machineId = machine.id;
    this.#logic = compileLogic(machine, false, (emission) => {
      if (emission.type === "device") this.#requests.push(emission["request"] as DeviceRequest);
    });
  }

  foresee({ value, context }: ActorSnapshot, event: AnyEventObject): Foreseen {
    this.#requests = [];
    const before = {
      status: "active",
      output: undefined,
      error: undefined,
      value,
      context,
    } as const;
    const after = this.#logic.transition(before, event, {} as AnyActorScope);
    return { taken: after !== before, requests: this.#requests };
  }
}
