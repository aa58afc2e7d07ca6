/**
 * The types of a machine's definition, said once. An action or a guard is run on several kinds of events; what reads
 * one of them names it: `on("arm", ({ event }) => event.technique)`. There the event has its own type, and who compiles
 * the machine (compiledLogic.ts) holds every wiring to it: a definition in which that function could be run on another
 * event is refused before it runs, so that nothing is asked while it does.
 */
import type { AnyEventObject } from "xstate";

/** An event of a machine by the name of its kind. */
export type EventOf<Event extends AnyEventObject, Type extends Event["type"]> = Extract<
  Event,
  { type: Type }
>;

interface Args<Context, Event> {
  readonly context: Context;
  readonly event: Event;
}

/** Names the events that a function of an action, or a guard, is for. */
type On<Context, Event extends AnyEventObject> = <Type extends Event["type"], Result>(
  types: Type | readonly Type[],
  read: (args: Args<Context, EventOf<Event, Type>>) => Result,
) => (args: Args<Context, Event>) => Result;

interface MachineTypes<Context, Event extends AnyEventObject, Input, Emitted> {
  /** For `setup({ types })`, which reads types alone. */
  readonly types: {
    readonly context: Context;
    readonly events: Event;
    readonly input: Input;
    readonly emitted: Emitted;
  };
  readonly on: On<Context, Event>;
}

const namedEvents = new WeakMap<object, readonly string[]>();

/** The events that a function says it is for; null if it takes any. */
export function eventsReadBy(read: unknown): readonly string[] | null {
  return (typeof read === "function" && namedEvents.get(read)) || null;
}

function on(types: string | readonly string[], read: object): object {
  namedEvents.set(read, typeof types === "string" ? [types] : types);
  return read;
}

/** @returns the types for `setup()`, and `on` for what reads an event */
export function machineTypes<Context, Event extends AnyEventObject, Input, Emitted>() {
  // The one place where types are promised that are not there: XState never looks at the values of `types`, and a
  // function is run on no event that it has not named.
  return { types: {}, on } as MachineTypes<Context, Event, Input, Emitted>;
}
