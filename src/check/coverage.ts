/** Which states and transitions of the machines an exploration has seen, and which never. */
import type { LocalSteps } from "./engine/localSteps.ts";
import type { Model } from "./engine/model.ts";

/** A machine's state with an event that it takes there. */
export interface MachineCoverage {
  readonly machine: string;
  readonly states: number;
  readonly transitions: number;
  readonly statesSeen: number;
  readonly transitionsSeen: number;
  /** What was never entered, and "state: event" that was never taken. */
  readonly unseenStates: readonly string[];
  readonly unseenTransitions: readonly string[];
}

type Config = Readonly<Record<string, { readonly on?: Readonly<Record<string, unknown>> }>>;

/** Notes every local step, which are few, and not every global one. */
export class Coverage {
  readonly #model: Model;
  readonly #taken = new Set<string>();

  constructor(model: Model, steps: LocalSteps) {
    this.#model = model;
    steps.onMiss = (component, ids, message) => {
      const { slot, machine } = model.components[component]!;
      const { value } = model.slots[slot]!.values[ids[slot]!] as { readonly value: unknown };
      this.#taken.add(`${machine.id} ${String(value)}: ${model.messages.values[message]!.type}`);
    };
  }

  /**
   * By machine. Events that only a device's answer can be are left out: they come within a step.
   */
  report(): readonly MachineCoverage[] {
    const types = new Set(this.#model.messages.values.map(({ type }) => type));
    const machines = new Map(this.#model.components.map(({ machine }) => [machine.id, machine]));
    return [...machines.values()].map((machine) => {
      const states = (machine.config.states ?? {}) as Config;
      const names = Object.keys(states);
      const entered = this.#entered(machine.id);
      const all = names.flatMap((name) => {
        const events = { ...states[name]!.on, ...(machine.config.on as object | undefined) };
        return Object.keys(events)
          .filter((type) => types.has(type))
          .map((type) => `${name}: ${type}`);
      });
      const unseen = all.filter((one) => !this.#taken.has(`${machine.id} ${one}`));
      const unseenStates = names.filter(
        (name) => !entered.has(name) && !isTransient(states[name]!),
      );
      return {
        machine: machine.id,
        states: names.filter((name) => !isTransient(states[name]!)).length,
        transitions: all.length,
        statesSeen: names.filter((name) => entered.has(name)).length,
        transitionsSeen: all.length - unseen.length,
        unseenStates,
        unseenTransitions: unseen,
      };
    });
  }

  #entered(machine: string): Set<string> {
    const entered = new Set<string>();
    for (const { machine: own, slot } of this.#model.components) {
      if (own.id !== machine) continue;
      for (const value of this.#model.slots[slot]!.values) {
        entered.add(String((value as { readonly value: unknown }).value));
      }
    }
    return entered;
  }
}

/** A state that is left as soon as it is entered is no state of a snapshot. */
function isTransient(state: object): boolean {
  return "always" in state;
}
