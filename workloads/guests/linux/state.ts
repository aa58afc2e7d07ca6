/** The state of a machine that was booted. */
import type { BootedState, MachineState } from "./spec.ts";

/** What a machine begins with, once it was booted. */
export function firstState({ state, ticks }: Omit<BootedState, "console">): MachineState {
  const text = { tail: new Uint8Array(0), sequence: 0, printed: 0 };
  return {
    machine: state,
    memory: null,
    ticks,
    idle: 0,
    chance: null,
    steps: 0,
    typed: 0,
    began: 0,
    text,
    accesses: 0,
  };
}
