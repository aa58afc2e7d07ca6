/** Which states and transitions of the machines an exploration has seen, and which never. */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from "xstate";
import { isRecord, itemAt, wordAt } from "../lookup.ts";
import { branchesOf, branchOf, nameOf, nodesIn } from "./branches.ts";
import type { LocalSteps } from "./engine/localSteps.ts";
import { type Model, shownMessage } from "./engine/model.ts";

/** What a machine could do, and what of it was done. Transitions are counted by branch. */
export interface MachineCoverage {
  readonly machine: string;
  readonly states: number;
  readonly transitions: number;
  readonly statesSeen: number;
  readonly transitionsSeen: number;
  /** What was never entered, and "state: event" that was never taken, with the guard if there are several. */
  readonly unseenStates: readonly string[];
  readonly unseenTransitions: readonly string[];
  /** The other transitions. */
  readonly takenTransitions: readonly string[];
}

interface State {
  readonly value: AnyMachineSnapshot["value"];
  readonly context: object;
}

/** Notes every local step, which are few, and not every global one. */
export class Coverage {
  readonly #model: Model;
  /** By machine: branches taken, as steps themselves do not tell. */
  readonly #taken = new Map<string, Set<string>>();

  constructor(model: Model, steps: LocalSteps) {
    this.#model = model;
    steps.onMiss = (component, ids, message) => {
      const { slot, machine, taken } = itemAt(model.components, component);
      if (taken !== undefined) return;
      const state = stateOf(itemAt(model.slots, slot).values[wordAt(ids, slot)]);
      const key = takenBranch(machine, state, shownMessage(itemAt(model.messages.values, message)));
      if (key !== null) this.#takenOf(machine.id).add(key);
    };
  }

  #takenOf(machine: string): Set<string> {
    const known = this.#taken.get(machine) ?? new Set();
    this.#taken.set(machine, known);
    return known;
  }

  /** By machine. */
  report(): readonly MachineCoverage[] {
    const { components } = this.#model;
    const machines = new Map(components.map(({ machine }) => [machine.id, machine]));
    return [...machines.values()].map((machine) => {
      const own = components.filter(({ machine: { id } }) => id === machine.id);
      const tells = own.every(({ taken }) => taken !== undefined);
      const taken = new Set([
        ...this.#takenOf(machine.id),
        ...own.flatMap(({ taken: told = [] }) => [...told]),
      ]);
      // Of what needs no event, only steps themselves can tell.
      const branches = branchesOf(machine, tells);
      const unseen = branches.filter(({ key }) => !taken.has(key)).map(({ text }) => text);
      const seen = branches.filter(({ key }) => taken.has(key)).map(({ text }) => text);
      const entered = this.#entered(machine);
      const states = nodesIn(machine.root)
        .filter((node) => !isTransient(node))
        .map(nameOf);
      const unseenStates = states.filter((name) => !entered.has(name));
      return {
        machine: machine.id,
        states: states.length,
        transitions: branches.length,
        statesSeen: states.length - unseenStates.length,
        transitionsSeen: seen.length,
        unseenStates,
        unseenTransitions: unseen,
        takenTransitions: seen,
      };
    });
  }

  #entered({ id }: AnyStateMachine): Set<string> {
    const entered = new Set<string>();
    for (const { machine, slot } of this.#model.components) {
      if (machine.id !== id) continue;
      for (const value of itemAt(this.#model.slots, slot).values) {
        for (const name of activeStates(stateOf(value).value, "")) entered.add(name);
      }
    }
    return entered;
  }
}

function isState(value: unknown): value is State {
  return isRecord(value) && "value" in value && isRecord(value["context"]);
}

/** @throws if the slot of an actor has what is no state of one */
function stateOf(value: unknown): State {
  if (isState(value)) return value;
  throw new Error("what an actor's slot holds is not a state of a machine");
}

/** Names of all states that a machine is in. */
function activeStates(value: State["value"], within: string): string[] {
  if (typeof value === "string") return [within + value];
  return Object.entries(value).flatMap(([name, inner]) => [
    within + name,
    ...(inner === undefined ? [] : activeStates(inner, `${within}${name}.`)),
  ]);
}

/** The branch that a machine takes from a state for an event; null if it takes none, or cannot say. */
function takenBranch(machine: AnyStateMachine, state: State, event: AnyEventObject): string | null {
  try {
    const snapshot = machine.resolveState({ value: state.value, context: state.context });
    const [taken] = machine.getTransitionData(snapshot, event);
    if (taken === undefined) return null;
    return branchOf(taken);
  } catch {
    // A guard that throws has a verdict of its own.
    return null;
  }
}

/** A state that is left as soon as it is entered is no state of a snapshot; nor are histories. */
function isTransient(node: AnyStateNode): boolean {
  return (node.always ?? []).length > 0 || node.type === "history";
}
