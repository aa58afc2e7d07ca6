/** The properties that are decided state by state and step by step, while a search goes on. */

import { itemAt } from "../../lookup.ts";
import { Evaluator } from "../properties/evaluate.ts";
import type { Predicate, Property } from "../properties/property.ts";
import type { Expander } from "./expander.ts";
import type { Layout } from "./layout.ts";
import type { Model } from "./model.ts";

/** Where a property was decided: a state, or a step from it. */
export interface Finding {
  readonly property: string;
  readonly state: number;
  /** Position among the state's steps; -1 if it is the state itself. */
  readonly step: number;
}

/** What a search has found of a property. */
export interface Found {
  readonly finding: Finding | null;
  /** `when` held, or `seen` was. */
  readonly applied: boolean;
}

interface Check {
  readonly property: Property;
  /** Of "always", "leadsTo" and "step": whether it speaks of the state. */
  readonly when: Evaluator | null;
  /** Of "always" and "sometimes". */
  readonly that: Evaluator | null;
  applied: boolean;
  finding: Finding | null;
}

export class Checks {
  readonly #model: Model;
  readonly #expander: Expander;
  readonly #all: readonly Check[];
  /** Those that a state can still decide, and those that a step can. */
  #ofStates: readonly Check[] = [];
  #ofSteps: readonly Check[] = [];
  #deadlock: Check | null = null;
  /** A property is broken. */
  isBroken = false;

  constructor(model: Model, expander: Expander) {
    this.#model = model;
    this.#expander = expander;
    this.#all = model.properties.map((property) => this.#checkOf(property));
    this.#sort();
  }

  /** What was found of each property, in the model's order. */
  get found(): readonly Found[] {
    return this.#all.map(({ finding, applied }) => ({ finding, applied }));
  }

  /** Takes over what was found before: one that was found remains. */
  restore(found: readonly Found[]): void {
    found.forEach(({ finding, applied }, i) => {
      const check = itemAt(this.#all, i);
      check.finding ??= finding;
      check.applied ||= applied;
      if (finding !== null && check.property.kind !== "sometimes") this.isBroken = true;
    });
    this.#sort();
  }

  /** Whether there are findings in a state that has no number yet (-1). */
  get hasUnplaced(): boolean {
    return this.#all.some(({ finding }) => finding?.state === -1);
  }

  /** Gives that state its number. */
  place(state: number): void {
    for (const check of this.#all) {
      if (check.finding?.state === -1) check.finding = { ...check.finding, state };
    }
  }

  /** Looks at the state that the expander has expanded; it is packed at `from`. */
  look(state: number, layout: Layout, words: Int32Array, from: number): void {
    const checks = this.#ofStates;
    for (let i = 0; i < checks.length; i++) {
      const { when, that } = itemAt(checks, i);
      if (when !== null && !when.holds(layout, words, from)) continue;
      if (that === null || !itemAt(checks, i).applied) this.#apply(itemAt(checks, i));
      const isSought = itemAt(checks, i).property.kind === "sometimes";
      if (that !== null && that.holds(layout, words, from) === isSought) {
        this.#find(itemAt(checks, i), state, -1);
      }
    }
    if (this.#expander.count === 0 && this.#deadlock?.finding === null) {
      if (!this.#model.isFinal(this.#expander.ids)) this.#find(this.#deadlock, state, -1);
    }
    if (this.#expander.steps.isAnyBroken) this.#lookAtSteps(state);
  }

  #lookAtSteps(state: number): void {
    const expander = this.#expander;
    for (let step = 0; step < expander.count; step++) {
      const bits = expander.brokenBits(step);
      if (bits === 0) continue;
      const names = expander.steps.brokenBy(bits);
      for (const check of this.#ofSteps) {
        if (check.finding === null && names.includes(check.property.name)) {
          this.#find(check, state, step);
        }
      }
    }
  }

  #apply(check: Check): void {
    check.applied = true;
    this.#sort();
  }

  #find(check: Check, state: number, step: number): void {
    check.finding = { property: check.property.name, state, step };
    if (check.property.kind !== "sometimes") this.isBroken = true;
    this.#sort();
  }

  #sort(): void {
    const open = this.#all.filter(({ finding }) => finding === null);
    this.#ofStates = open.filter(({ that, when, applied }) => {
      return that !== null || (when !== null && !applied);
    });
    this.#ofSteps = open.filter(({ property }) => property.kind === "step");
    this.#deadlock = open.find(({ property }) => property.kind === "noDeadlock") ?? null;
  }

  #checkOf(property: Property): Check {
    const evaluator = (predicate: Predicate | undefined): Evaluator | null =>
      predicate === undefined ? null : new Evaluator(this.#model, predicate);
    const check = { property, finding: null, when: null, that: null, applied: true };
    switch (property.kind) {
      case "always": {
        const when = evaluator(property.when);
        return { ...check, when, that: evaluator(property.that), applied: when === null };
      }
      case "step": {
        const when = evaluator(property.seen);
        return { ...check, when, applied: when === null };
      }
      case "sometimes":
        return { ...check, that: evaluator(property.that) };
      case "leadsTo":
        return { ...check, when: evaluator(property.when), applied: false };
      case "noDeadlock":
      case "eventually":
        return check;
    }
  }
}
