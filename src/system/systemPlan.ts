/** What a system is built from: a plan, in which everything is said and nothing is left to be refused. */
import type { AnyEventObject, AnyStateMachine } from "xstate";
import type { Device } from "../interconnect/emissions.ts";
import type { EnergyCosts } from "./energy.ts";
import type { OperationFactory } from "./operation.ts";
import type { ActorRole } from "./roles.ts";
import type { WorldPlan } from "./worldPlan.ts";

export interface SystemPlan {
  readonly world: WorldPlan;
  readonly pvmCpus: number;
  /** By vCPU: the pVM CPU that its full log interrupts; those that the list does not reach interrupt the first. */
  readonly handlerCpus: readonly number[];
  /** How often the log-full handler of the pVM serves in a row. */
  readonly handlerBudget: number;
  /** It changes nothing in a run. */
  readonly energy: EnergyCosts;
  /** Longest burst of a guest, in cycles. */
  readonly quantumCycles: number;
  readonly timesliceCycles: number;
  /** Whether each harvest is held against the truth of its round. It changes nothing in a run. */
  readonly judgesRounds: boolean;
  /** What the toolstack does. */
  readonly operation: OperationFactory;
  /** Puts something else in the place of an actor's machine or device, by the actor's role: a planted fault. */
  readonly replace: (role: ActorRole, parts: ActorParts) => ActorParts;
}

/** Linux's MAX_SOFTIRQ_RESTART (kernel/softirq.c): how often work that keeps coming is taken up at once. */
export const HANDLER_BUDGET = 10;

/** What an actor is made of. */
export interface ActorParts {
  readonly machine: AnyStateMachine;
  readonly device: Device<never, AnyEventObject> | null;
}

/** No fault is planted. */
export function asPlanned(_: ActorRole, parts: ActorParts): ActorParts {
  return parts;
}
