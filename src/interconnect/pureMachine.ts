/** A compiled machine as pure functions: what it comes to, and what it emits; without device, without sending. */
import type { AnyEventObject, AnyStateMachine } from "xstate";
import {
  type CompiledLogic,
  type CompiledSnapshot,
  compileLogic,
  type EmittingScope,
} from "./compiledLogic.ts";
import type { MachineState } from "./normalFields.ts";

export interface Transition extends MachineState {
  readonly emitted: readonly AnyEventObject[];
}

export class PureMachine {
  readonly #logic: CompiledLogic;
  readonly #scope: EmittingScope;
  #emitted: AnyEventObject[] = [];

  /** @throws UnsupportedMachineError */
  constructor(machine: AnyStateMachine) {
    this.#logic = compileLogic(machine);
    const emit = (emission: AnyEventObject): void => {
      this.#emitted.push(emission);
    };
    this.#scope = { emit };
  }

  initial(input: unknown): Transition {
    this.#emitted = [];
    return this.#told(this.#logic.getInitialSnapshot(this.#scope, input));
  }

  /** Null if the machine has no transition for the event. @throws what the machine throws */
  transition({ value, context }: MachineState, event: AnyEventObject): Transition | null {
    this.#emitted = [];
    const active = { status: "active", output: undefined, error: undefined } as const;
    const before: CompiledSnapshot = { ...active, value, context };
    const after = this.#logic.transition(before, event, this.#scope);
    return after === before ? null : this.#told(after);
  }

  #told({ value, context }: CompiledSnapshot): Transition {
    return { value, context, emitted: this.#emitted };
  }
}
