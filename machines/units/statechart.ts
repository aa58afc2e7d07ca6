/** What the statechart of a page-logging unit says of itself, and what such machines ask of their devices. */
import type { AnyStateMachine } from "xstate";
import type { Fields } from "../../src/interconnect/fields.ts";
import type { ActorId } from "../../src/interconnect/messages.ts";

/** What a unit that interrupts a CPU asks of its device, and is answered. */
export type UnitRequest = { readonly op: "reload"; readonly vcpu: number };
export type UnitReply = { readonly type: "reloaded" };

/** Whom a unit of a vCPU has to do with. */
export interface UnitSurroundings {
  readonly number: number;
  readonly vcpu: ActorId;
  /** The pVM CPU that its full log interrupts, with this vector, and how long that takes. */
  readonly handlerCpu: ActorId | undefined;
  readonly vector: number;
  readonly ipiCycles: number;
}

export interface UnitStatechart {
  readonly machine: AnyStateMachine;
  readonly fields: Fields;
  /** States in which it may stay for ever without anybody missing anything. */
  readonly atRest: readonly string[];
  /** Transitions that no model of the checker takes, as it names them, each with the reason. */
  readonly neverTaken?: Readonly<Record<string, string>>;
  input(surroundings: UnitSurroundings): object;
}
