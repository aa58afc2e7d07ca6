/**
 * An operation is what the pVM's toolstack does with tracking: a measurement, a migration, and so on.
 * Each kind is one XState machine (the actor "toolstack"), perhaps with helpers, and a device behind it.
 */
import type { AnyEventObject, AnyStateMachine } from "xstate";
import type { Part } from "../hardware/part.ts";
import type { Device } from "../interconnect/emissions.ts";
import type { ActorId } from "../interconnect/messages.ts";
import type { World } from "./world.ts";

/** Addresses that an operation's machines may be given. */
export interface OperationWires {
  /** The actor itself. */
  readonly self: ActorId;
  /** The operation's main actor, and its helpers in order. */
  readonly toolstack: ActorId;
  readonly helpers: readonly ActorId[];
  readonly scheduler: ActorId;
  /** By VM, by vCPU, by CPU of the pVM. */
  readonly trackers: readonly ActorId[];
  readonly vcpus: readonly ActorId[];
  readonly pvmCpus: readonly ActorId[];
}

export interface OperationActor {
  readonly machine: AnyStateMachine;
  readonly device: Device<never, AnyEventObject> | null;
  readonly input: (wires: OperationWires) => object;
}

export interface Operation {
  readonly kind: string;
  /** Receives "begin". In state "done" or "failed" the run has ended. */
  readonly main: OperationActor;
  /** Further actors by name, such as "throttle". */
  readonly helpers: Readonly<Record<string, OperationActor>>;
  /** Memory of the operation's devices. */
  readonly parts: readonly Part[];
  /** What came of it, for the summary: plain data. `contexts`: of the main actor and of the helpers by name. */
  result(contexts: Readonly<Record<string, object>>, state: string): OperationResult;
}

export interface OperationResult {
  readonly kind: string;
  /** Empty unless it failed: one sentence a failure. */
  readonly failures: readonly string[];
}

/** Makes an operation for a system's memory. */
export type OperationFactory = (world: World) => Operation;
