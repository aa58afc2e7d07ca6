/**
 * A machine as two pure functions. It runs from a compiled table where it is in that subset
 * (src/interconnect/compiledLogic.ts), and by XState's own `transition()` otherwise: both give the same, and the
 * table is faster. What neither can explore is refused by name.
 */
import type { AnyStateMachine } from "xstate";
import { UserError } from "../../errors.ts";
import { UnsupportedMachineError } from "../../interconnect/compiledLogic.ts";
import { PureMachine as CompiledMachine, type Transition } from "../../interconnect/pureMachine.ts";
import { type InterpreterOptions, interpretedMachine } from "./interpretedMachine.ts";
import type { MachineShape } from "./machineShape.ts";
import type { PureMachine, Stepped } from "./steps.ts";

/** @throws UserError if it uses what cannot be explored */
export function pureMachine(
  machine: AnyStateMachine,
  shape: MachineShape,
  options: InterpreterOptions,
): PureMachine {
  const interpreted = interpretedMachine(machine, shape, options);
  // What keeps an event from being taken is no step, and a table may go round in a circle of transient states.
  if (shape.hasForbidden || shape.hasAlways) return interpreted;
  try {
    return compiledMachine(machine, interpreted);
  } catch (error) {
    if (error instanceof UnsupportedMachineError) return interpreted;
    throw error;
  }
}

/** @param interpreted has the last word where the table fails: actions may use what it does not give them */
function compiledMachine(machine: AnyStateMachine, interpreted: PureMachine): PureMachine {
  const compiled = new CompiledMachine(machine);
  const told = ({ value, context, emitted }: Transition): Stepped => {
    return { state: { value, context, status: "active" }, emitted, toItself: [] };
  };
  return {
    ...interpreted,
    initial(input) {
      try {
        return told(compiled.initial(input));
      } catch {
        return interpreted.initial(input);
      }
    },
    step(state, event) {
      try {
        const { value, context } = state;
        const after = compiled.transition({ value: String(value), context }, event);
        return after === null ? null : told(after);
      } catch {
        return interpreted.step(state, event);
      }
    },
  };
}

/** The error for what a machine throws. */
export function machineFailed(actor: string, at: string, error: unknown): UserError {
  if (error instanceof UserError) return new UserError(`${actor}${at}: ${error.message}`);
  const reason = error instanceof Error ? error.message : String(error);
  return new UserError(`${actor}${at}: its machine throws: ${reason}`, { cause: error });
}
