/** What the contract test needs to know of a machine. */
import type { AnyStateMachine } from "xstate";

export type Payload = (n: number) => object;

/** Events in order, each with the number for its payload. */
export type Way = readonly (readonly [type: string, n: number])[];

export interface MachineCase {
  readonly machine: AnyStateMachine;
  readonly input: object;
  /** Event types, each with a function from a random number to its payload. */
  readonly events: Readonly<Record<string, Payload>>;
  /** Ways far into the machine, which random events would seldom take. */
  readonly ways?: readonly Way[];
}
