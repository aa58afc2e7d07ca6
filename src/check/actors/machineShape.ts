/** What can be read off a machine without running it: names of states, events it takes, actions it has. */
import type { AnyStateMachine, AnyStateNode } from "xstate";

/** An action as it stands in a machine. */
export interface ShownAction {
  /** The state that it is in; "" for the machine itself. */
  readonly state: string;
  /** Its name; "(anonymous)" for a function without one. */
  readonly name: string;
  /** Of XState's own actions: "xstate.emit" and so on; null for a custom action. */
  readonly builtin: string | null;
  /** The action itself. */
  readonly action: Readonly<Record<string, unknown>>;
}

/** What a state invokes. */
export interface ShownInvoke {
  readonly state: string;
  readonly id: string;
  readonly src: string;
  readonly hasSnapshots: boolean;
}

export interface MachineShape {
  /** All states by their names: "a", and "a.b" for a state b in a. */
  readonly states: ReadonlyMap<string, AnyStateNode>;
  readonly actions: readonly ShownAction[];
  readonly invokes: readonly ShownInvoke[];
  /** Some state is left as soon as something holds. */
  readonly hasAlways: boolean;
  /** Some transition does nothing: it keeps an event from being taken further out. */
  readonly hasForbidden: boolean;
}

const SOURCE_IN_PLACE = "xstate.invoke.";

export function shapeOf(machine: AnyStateMachine): MachineShape {
  const states = new Map<string, AnyStateNode>();
  const actions: ShownAction[] = [];
  const invokes: ShownInvoke[] = [];
  let [hasAlways, hasForbidden] = [false, false];
  const visit = (node: AnyStateNode): void => {
    const state = node.path.join(".");
    if (state !== "") states.set(state, node);
    const transitions = [...node.transitions.values()].flat();
    const always = node.always ?? [];
    const all = [...transitions, ...always];
    hasAlways ||= always.length > 0;
    hasForbidden ||= transitions.some(
      (one) => one.target === undefined && one.actions.length === 0,
    );
    const lists: readonly (readonly unknown[])[] = [
      node.entry,
      node.exit,
      ...(node.initial === undefined ? [] : [node.initial.actions]),
      ...all.map((one) => one.actions),
    ];
    for (const action of lists.flat()) actions.push(shownAction(machine, state, action));
    for (const one of node.invoke) {
      const { id, src } = one;
      const name = typeof src === "string" && !src.startsWith(SOURCE_IN_PLACE) ? src : "(in place)";
      invokes.push({ state, id, src: name, hasSnapshots: one.onSnapshot !== undefined });
    }
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(machine.root);
  return { states, actions, invokes, hasAlways, hasForbidden };
}

function shownAction(machine: AnyStateMachine, state: string, action: unknown): ShownAction {
  const isNamed = typeof action === "object" && action !== null && "type" in action;
  const name = isNamed ? String(action.type) : typeof action === "string" ? action : "";
  const known: unknown = name === "" ? action : machine.implementations.actions[name];
  // XState's own actions are functions with properties.
  const details: Readonly<Record<string, unknown>> =
    typeof known === "function" || typeof known === "object" ? { ...known } : {};
  const type = details["type"];
  const builtin = typeof type === "string" && type.startsWith("xstate.") ? type : null;
  const own = typeof action === "function" ? action.name : "";
  return { state, name: name || own || "(anonymous)", builtin, action: details };
}

/** Whether a machine has a transition for an event type in any state. */
export function takesSomewhere({ events }: AnyStateMachine, type: string): boolean {
  return events.some((descriptor: string) => {
    if (descriptor === type || descriptor === "*") return true;
    return descriptor.endsWith(".*") && `${type}.`.startsWith(descriptor.slice(0, -1));
  });
}

/** Whether a state's value is, or lies in, the state of a name ("a.b"). */
export function isInState(value: unknown, name: string): boolean {
  let at = value;
  for (const part of name.split(".")) {
    if (typeof at === "string") {
      if (at !== part) return false;
      at = undefined;
    } else if (typeof at === "object" && at !== null && Object.hasOwn(at, part)) {
      at = Reflect.get(at, part);
    } else return false;
  }
  return true;
}
