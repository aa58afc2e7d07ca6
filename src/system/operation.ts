/**
 * An operation is what the pVM's toolstack does with tracking: a measurement, a migration, and so on.
 * Each kind is one XState machine (the actor "toolstack"), perhaps with helpers, and a device behind it.
 */
import type { AnyEventObject, AnyStateMachine } from "xstate";
import type { NormalForm } from "../hardware/normalForm.ts";
import type { Part } from "../hardware/part.ts";
import type { Device } from "../interconnect/emissions.ts";
import type { ActorId } from "../interconnect/messages.ts";
import type { ActorContexts, HeldContext } from "./actorContexts.ts";
import type { HelperRole } from "./roles.ts";
import type { SystemSnapshot } from "./snapshot.ts";
import type { World } from "./world.ts";

/** Ways in which an operation loses a page, though the tracker did not; all off unless a scenario asks. */
export const OPERATION_FAULTS = [
  "cleanedBitmapNotSent",
  "swapBeforeInvept",
  "failedCheckpointForgotten",
  "laterSendsDirtyAlone",
] as const;
export type OperationFault = (typeof OPERATION_FAULTS)[number];

/** Addresses that an operation's machines may be given. */
export interface OperationWires {
  /** The actor itself. */
  readonly self: ActorId;
  /** The operation's main actor, and its helpers in order. */
  readonly toolstack: ActorId;
  readonly helpers: readonly ActorId[];
  /** Who starts VMs, pauses them and lets them go: the scheduler, or who stands before it (machines/runState.ts). */
  readonly scheduler: ActorId;
  /** By physical CPU. */
  readonly dispatchers: readonly ActorId[];
  /** By VM, by vCPU, by CPU of the pVM. */
  readonly trackers: readonly ActorId[];
  readonly vcpus: readonly ActorId[];
  readonly pvmCpus: readonly ActorId[];
  /** For machines whose VMs stop; empty where no VM has a device. */
  readonly stopping: { readonly drainsDevices?: true };
}

export interface OperationActor {
  readonly machine: AnyStateMachine;
  readonly device: Device<never, AnyEventObject> | null;
  readonly input: (wires: OperationWires) => object;
}

/** Another actor of an operation, such as the throttle of a migration. */
export interface OperationHelper extends OperationActor {
  readonly role: HelperRole;
}

export interface Operation {
  readonly kind: string;
  /** Receives "begin". In state "done" or "failed" the run has ended. */
  readonly main: OperationActor;
  readonly helpers: readonly OperationHelper[];
  /** Name of the helper that gives pages their frames, if not every page has one from the start. */
  readonly pager?: string;
  /** Names of helpers that are operations themselves: the main actor is told when one comes to its last state. */
  readonly hosts?: readonly string[];
  /** The one of them that is under way. @param toolstack the main actor */
  underWay?(toolstack: HeldContext): string;
  /** Memory of the operation's devices. */
  readonly parts: readonly Part[];
  /** What of it is state (src/hardware/normalForm.ts); absent: all that its parts do not say to be none. */
  readonly form?: NormalForm;
  /** What it keeps of the contents of a VM's pages, where it compares them with the pages themselves. */
  contents?(vm: number): readonly NormalForm[];
  /** What came of it, for the summary: plain data. @param actors the main one and the helpers */
  result(actors: ActorContexts): OperationResult;
}

export interface OperationResult {
  readonly kind: string;
  /** Empty unless it failed: one sentence a failure. */
  readonly failures: readonly string[];
}

/** What an operation's devices may ask of the system around them. */
export interface OperationHost {
  /** Virtual time, in cycles. */
  now(): number;
  /**
   * The state of the whole system. While a device performs a request it is one that a system can
   * continue from, if that request is the delivery's last and its reply changes nothing.
   */
  save(): SystemSnapshot;
  /** Puts helpers back to their first state; messages that they still had to get are dropped. */
  renew(helpers: readonly string[]): void;
}

/** Makes an operation for a system's memory. */
export type OperationFactory = (world: World, host: OperationHost) => Operation;
