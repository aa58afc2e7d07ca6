/** What actors hold, typed by the machine that each is asked to be. */
import type { AnyStateMachine, ContextFrom } from "xstate";

/** An actor, as far as its context is concerned: a SystemActor is one. */
export interface HeldContext {
  readonly machine: AnyStateMachine;
  readonly context: object;
}

/** @throws if the actor is another machine: what it holds is something else */
export function contextOf<Machine extends AnyStateMachine>(
  { machine: own, context }: HeldContext,
  machine: Machine,
): ContextFrom<Machine> {
  if (own.id !== machine.id) throw new Error(`this actor is a ${own.id}, and no ${machine.id}`);
  return context as ContextFrom<Machine>;
}

/** The contexts of those actors that are this machine, in order. */
export function contextsOf<Machine extends AnyStateMachine>(
  actors: readonly HeldContext[],
  machine: Machine,
): ContextFrom<Machine>[] {
  const own = actors.filter((actor) => actor.machine.id === machine.id);
  return own.map((actor) => contextOf(actor, machine));
}

/** The actors of an operation by their names; the main one is "toolstack". */
export class ActorContexts {
  readonly #actors: ReadonlyMap<string, HeldContext>;

  constructor(actors: ReadonlyMap<string, HeldContext>) {
    this.#actors = actors;
  }

  /** @throws if no actor is called so, or it is another machine */
  of<Machine extends AnyStateMachine>(name: string, machine: Machine): ContextFrom<Machine> {
    return contextOf(this.#named(name), machine);
  }

  /** The same, with that one as the main one. */
  under(name: string): ActorContexts {
    return new ActorContexts(new Map(this.#actors).set("toolstack", this.#named(name)));
  }

  #named(name: string): HeldContext {
    const actor = this.#actors.get(name);
    if (actor === undefined) throw new Error(`the operation has no actor "${name}"`);
    return actor;
  }
}
