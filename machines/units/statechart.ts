/** What the statechart of a page-logging unit says of itself, and what such machines ask of their devices. */
import type { AnyStateMachine } from "xstate";
import { type SendEmission, send } from "../../src/interconnect/emissions.ts";
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

/** The log is full: the guest stops. Qualification and guest-physical address are undefined for such an exit (SDM 27.2.1). */
export function stopGuest(vcpu: ActorId, reason: number): SendEmission {
  return send(vcpu, { type: "guestStopped", reason, qualification: 0, page: 0 });
}

/** The log is full: the LAPIC sends the log-full vector. @param vcpu number of the vCPU whose log it is */
export function interruptHandler(
  {
    handlerCpu,
    vector,
    ipiCycles,
  }: Pick<UnitSurroundings, "vector" | "ipiCycles"> & { readonly handlerCpu: ActorId },
  vcpu: number,
): SendEmission {
  return send(handlerCpu, { type: "ipi", vector, vcpu }, ipiCycles);
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
