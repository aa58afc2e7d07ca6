/** What actors of a system hold in the states that properties see. */
import type { AnyStateMachine, ContextFrom } from "xstate";
import { contextOf } from "../../system/actorContexts.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import type { System } from "../../system/system.ts";

/**
 * Reads the context of an actor from its states.
 * @throws if the system has no actor of this name, or it is another machine
 */
export function contextReader<Machine extends AnyStateMachine>(
  system: System,
  actor: string,
  machine: Machine,
): (state: ActorSnapshot) => ContextFrom<Machine> {
  const { machine: own } = system.actor(actor);
  const read = ({ context }: ActorSnapshot) => contextOf({ machine: own, context }, machine);
  read(system.actor(actor).snapshot);
  return read;
}
