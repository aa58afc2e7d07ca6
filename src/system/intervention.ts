/**
 * What is done to a run from outside, between two deliveries. Whatever does not follow from the scenario
 * is one of these: a log of them and the scenario give the same run again.
 */
import { UserError } from "../errors.ts";
import {
  actor,
  count,
  cycles,
  type Fields,
  type Variant,
  Variants,
  vcpu,
  word,
} from "../interconnect/fields.ts";
import { message } from "../interconnect/messages.ts";

/** Each kind's fields. */
const INTERVENTIONS = {
  // A command of the operator: a message from actor 0, the system, to be delivered so many cycles later.
  command: { to: actor.min(1), delay: cycles, message },
  // This pending message is delivered now, whatever is before it in the queue.
  deliver: { sequence: count.min(1) },
  // This pending message is never delivered.
  skip: { sequence: count.min(1) },
  // This pending message is delivered so much later.
  postpone: { sequence: count.min(1), cycles },
  // The next access of a vCPU, before those of its workload, to a linear page.
  access: { vcpu, page: count, access: word(["read", "write", "fetch", "readModifyWrite"]) },
  // Workloads draw their further random choices from this seed.
  reseed: { seed: count },
} as const satisfies Readonly<Record<string, Fields>>;

type Kind = keyof typeof INTERVENTIONS;

type OfKind<One extends Kind> = One extends Kind
  ? Variant<"kind", One, (typeof INTERVENTIONS)[One]>
  : never;

export type Intervention = OfKind<Kind>;

/** Interventions as a file may hold them. */
export const interventions: Variants<Intervention> = new Variants("kind", INTERVENTIONS);

/** It cannot be done to this run, here and now. */
export class InterventionError extends UserError {}
