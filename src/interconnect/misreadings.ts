/**
 * Which function of a definition could be run on an event that it is not for. A function names the events that it
 * reads (machineTypes.ts); where it is wired says on which it is run: a transition's event; on entry whatever leads into
 * the state; on exit whatever leads out of it; in a transient state what has led there.
 */
import type { AnyStateMachine } from "xstate";
import { eventsReadBy } from "./machineTypes.ts";

type Config = Readonly<Record<string, unknown>>;

/** What a machine is started by. */
const INIT = "xstate.init";

interface Transition {
  readonly target: string | null;
  readonly actions: readonly unknown[];
  readonly guard: unknown;
}

interface State {
  readonly name: string;
  readonly on: readonly (readonly [event: string, transition: Transition])[];
  readonly always: readonly Transition[];
  readonly entry: readonly unknown[];
  readonly exit: readonly unknown[];
}

/** Machines that have been looked at, by what was found. One is compiled for each of its actors. */
const found = new WeakMap<AnyStateMachine, { readonly problem: string | undefined }>();

/** The first such function, in words; undefined if there is none. A machine that is not flat is refused elsewhere. */
export function findMisreading(machine: AnyStateMachine): string | undefined {
  const known = found.get(machine) ?? { problem: lookThrough(machine) };
  found.set(machine, known);
  return known.problem;
}

function lookThrough(machine: AnyStateMachine): string | undefined {
  const config = propertiesOf(machine.config);
  const states = statesOf(config);
  const into = eventsInto(states, String(config["initial"]));
  for (const { name, on, always, entry, exit } of states) {
    const before = into.get(name) ?? new Set();
    const out = new Set(always.length > 0 ? before : []);
    const uses: [what: unknown, events: Iterable<string>][] = [];
    for (const [event, { target, guard, actions }] of on) {
      if (target !== null) out.add(event);
      for (const what of [guard, ...actions]) uses.push([what, [event]]);
    }
    for (const { guard, actions } of always) {
      for (const what of [guard, ...actions]) uses.push([what, before]);
    }
    for (const what of entry) uses.push([what, before]);
    for (const what of exit) uses.push([what, out]);
    for (const [what, events] of uses) {
      const wrong = misread(machine, what, events);
      if (wrong !== undefined) return `state "${name}": ${wrong}`;
    }
  }
  return undefined;
}

/** By state: the events by which it can be entered. */
function eventsInto(
  states: readonly State[],
  initial: string,
): ReadonlyMap<string, ReadonlySet<string>> {
  const into = new Map(states.map(({ name }) => [name, new Set<string>()]));
  into.get(initial)?.add(INIT);
  for (const { on } of states) {
    for (const [event, { target }] of on) into.get(target ?? "")?.add(event);
  }
  // A transient state hands on what has led to it; one after the other as often as there are states.
  for (const _ of states) {
    for (const { name, always } of states) {
      for (const { target } of always) {
        for (const event of into.get(name) ?? []) into.get(target ?? "")?.add(event);
      }
    }
  }
  return into;
}

function misread(
  machine: AnyStateMachine,
  what: unknown,
  events: Iterable<string>,
): string | undefined {
  if (typeof what !== "string") return undefined;
  const { actions, guards } = machine.implementations;
  for (const implementation of [actions[what], guards[what]]) {
    for (const read of functionsOf(implementation)) {
      const named = eventsReadBy(read);
      for (const event of named === null ? [] : events) {
        if (!named?.includes(event)) {
          return `"${what}" reads "${named?.join('" or "')}", and would be run on "${event}"`;
        }
      }
    }
  }
  return undefined;
}

/** What is run for an action or a guard: itself, or what assign() and emit() were given. */
function functionsOf(implementation: unknown): readonly unknown[] {
  const { assignment, event } = propertiesOf(implementation);
  return [implementation, assignment, event, ...Object.values(propertiesOf(assignment))];
}

function statesOf(config: Config): readonly State[] {
  const shared = transitionsByEvent(config["on"]);
  return Object.entries(propertiesOf(config["states"])).map(([name, given]) => {
    const state = propertiesOf(given);
    return {
      name,
      on: [...transitionsByEvent(state["on"]), ...shared],
      always: listOf(state["always"]).map(transitionOf),
      entry: listOf(state["entry"]),
      exit: listOf(state["exit"]),
    };
  });
}

function transitionsByEvent(on: unknown): [event: string, transition: Transition][] {
  return Object.entries(propertiesOf(on)).flatMap(([event, value]) =>
    listOf(value).map((each): [string, Transition] => [event, transitionOf(each)]),
  );
}

function transitionOf(value: unknown): Transition {
  const config = typeof value === "string" ? { target: value } : propertiesOf(value);
  const { target, actions, guard }: Config = config;
  // A root's transition writes ".name".
  const name = typeof target === "string" ? target.replace(/^\./, "") : null;
  return { target: name, actions: listOf(actions), guard };
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** What a value has under names; nothing if it is none with names. XState's own actions are functions with properties. */
export function propertiesOf(value: unknown): Config {
  return typeof value === "object" || typeof value === "function" ? { ...value } : {};
}
