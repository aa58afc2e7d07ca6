/**
 * What is done to a run from outside, between two deliveries. Whatever does not follow from the scenario
 * is one of these: a log of them and the scenario give the same run again.
 */
import type { AccessKindName } from "../hardware/accessLoop.ts";
import type { ActorId, Message } from "../interconnect/messages.ts";

export type Intervention =
  /** A command of the operator: a message from actor 0, the system. */
  | {
      readonly kind: "command";
      readonly to: ActorId;
      /** Cycles until delivery. */
      readonly delay: number;
      readonly message: Message;
    }
  /** This pending message is delivered now, whatever is before it in the queue. */
  | { readonly kind: "deliver"; readonly sequence: number }
  /** This pending message is never delivered. */
  | { readonly kind: "skip"; readonly sequence: number }
  /** This pending message is delivered so much later. */
  | { readonly kind: "postpone"; readonly sequence: number; readonly cycles: number }
  /** The next access of a vCPU, before those of its workload. */
  | {
      readonly kind: "access";
      readonly vcpu: number;
      /** Linear page. */
      readonly page: number;
      readonly access: AccessKindName;
    }
  /** Workloads draw their further random choices from this seed. */
  | { readonly kind: "reseed"; readonly seed: number };
