/** What of a model's description was never used: then the model mostly says less than it seems to. */
import type { AnyEventObject } from "xstate";
import { nearest } from "../../config/nearest.ts";
import { fieldOf, valueUnder } from "../../lookup.ts";
import { OWN_STEP } from "../engine/model.ts";
import { takesSomewhere } from "./machineShape.ts";
import type { ActorModelSpec } from "./spec.ts";
import { fixedChoices } from "./validate.ts";

export class Usage {
  readonly #spec: ActorModelSpec;
  /** By actor: types of the events that it took, that it got, and that it emitted. */
  readonly #taken = new Map<string, Set<string>>();
  readonly #met = new Map<string, Set<string>>();
  readonly #emitted = new Map<string, Set<string>>();

  constructor(spec: ActorModelSpec) {
    this.#spec = spec;
    for (const name of Object.keys(spec.actors)) {
      this.#taken.set(name, new Set());
      this.#met.set(name, new Set());
      this.#emitted.set(name, new Set());
    }
  }

  noteStep(actor: string, event: AnyEventObject, taken: boolean): void {
    if (OWN_STEP in event) return;
    valueUnder(this.#met, actor).add(event.type);
    if (taken) valueUnder(this.#taken, actor).add(event.type);
  }

  noteEmission(actor: string, type: string): void {
    valueUnder(this.#emitted, actor).add(type);
  }

  /** In sentences. @param isComplete all steps have been seen */
  problems(isComplete: boolean): readonly string[] {
    const certain = this.#notCarried();
    return isComplete
      ? [...certain, ...this.#choicesNotTaken(), ...this.#wiresNotUsed(), ...this.#notTaken()]
      : certain;
  }

  #notCarried(): string[] {
    const { actors, wires } = this.#spec;
    return Object.entries(actors).flatMap(([name, { outside = [] }]) => {
      const carried = wires.filter(({ from }) => from === name).map(({ event }) => event);
      return [...valueUnder(this.#emitted, name)]
        .filter((type) => !carried.includes(type) && !outside.includes(type))
        .map((type) => `${name} emits "${type}", which no wire carries${nearest(type, carried)}`);
    });
  }

  #choicesNotTaken(): string[] {
    const { actors } = this.#spec;
    return Object.entries(actors).flatMap(([name, spec]) => {
      const types = [...new Set(fixedChoices(spec).map(({ type }) => type))];
      return types
        .filter((type) => !valueUnder(this.#taken, name).has(type))
        .map((type) => `${name} never takes its choice "${type}"${this.#nearestOf(name, type)}`);
    });
  }

  #wiresNotUsed(): string[] {
    return this.#spec.wires.flatMap(({ from, event, to }) => {
      const emitted = valueUnder(this.#emitted, from);
      if (emitted.has(event)) return [];
      const near = nearest(event, [...emitted]);
      return [`${from} never emits "${event}", which a wire to ${to.join(", ")} carries${near}`];
    });
  }

  #notTaken(): string[] {
    return this.#spec.wires.flatMap(({ from, event, to }) =>
      to
        .filter(
          (name) =>
            valueUnder(this.#met, name).has(event) && !valueUnder(this.#taken, name).has(event),
        )
        .map(
          (name) => `${name} never takes "${event}" from ${from}${this.#nearestOf(name, event)}`,
        ),
    );
  }

  /** Of what the machine takes in some state, unless that is it. */
  #nearestOf(name: string, type: string): string {
    const { machine } = fieldOf(this.#spec.actors, name);
    return takesSomewhere(machine, type) ? "" : nearest(type, machine.events);
  }
}
