/** Partial-order reduction of a breadth-first search: which steps of a state are taken (see ampleSets.ts). */
import { UserError } from "../../errors.ts";
import type { Predicate, Property } from "../properties/property.ts";
import { AmpleSets, COMPONENTS_MOST } from "./ampleSets.ts";
import type { Found } from "./checks.ts";
import type { Expander } from "./expander.ts";
import type { Model } from "./model.ts";

export class Reduction {
  /** Searches begun: all but the last learnt what the ones before could not know. */
  passes = 0;
  /** States, of the search that goes on, at which steps were left out. */
  reduced = 0;
  readonly #properties: readonly Property[];
  readonly #ample: AmpleSets;
  /** What was known when steps were first left out; -1 if none were. */
  #knewFirst = -1;
  #watched = "";
  #count = 0;
  #steps = new Int32Array(0);

  /** @throws UserError if the model has more components than a set has room for */
  constructor(model: Model) {
    if (model.components.length > COMPONENTS_MOST) {
      throw new UserError(`--por: at most ${COMPONENTS_MOST} actors, ${model.name} has more`);
    }
    this.#properties = model.properties;
    this.#ample = new AmpleSets(model);
  }

  /** A search begins, perhaps anew. */
  begin(): void {
    this.passes++;
    this.reduced = 0;
    this.#knewFirst = -1;
  }

  get remarks(): readonly string[] {
    const live = this.#properties.some(({ kind }) => kind === "eventually" || kind === "leadsTo");
    return [
      `partial-order reduction: at ${this.reduced} states steps were left out; searched ${this.passes} times, until nothing new was learnt`,
      ...(live ? ["liveness is not judged with --por"] : []),
    ];
  }

  /** Whether all that was left out was left out with all that is known now. */
  get isSettled(): boolean {
    return this.#knewFirst < 0 || this.#knewFirst === this.#ample.effects.version;
  }

  /** Predicates that are still to be decided must stay as they are in steps that stand for others. */
  look(found: readonly Found[]): void {
    const watched = this.#properties.flatMap((property, i) => predicatesOf(property, found[i]!));
    const names = watched.map(({ name }) => name).join("\n");
    if (names === this.#watched) return;
    this.#watched = names;
    this.#ample.watch(watched.map(({ predicate }) => predicate));
  }

  /**
   * Leaves steps out of the state that the expander has expanded, if some are enough.
   * @param isLater whether a step leads to a state that is still to be expanded
   */
  restrict(expander: Expander, isLater: (step: number) => boolean): void {
    const { count, step, transitions } = expander;
    this.#count = count;
    if (expander.isImmediate || count < 2) {
      this.#ample.effects.note(expander);
      return;
    }
    const all = step.subarray(0, count);
    let best: number[] | null = null;
    for (const set of this.#ample.candidates(expander)) {
      const isIn = (one: number) => (set & (1 << transitions.component[all[one]!]!)) !== 0;
      const kept = Array.from(all.keys()).filter(isIn);
      if (kept.length < (best?.length ?? count) && kept.some(isLater)) best = kept;
    }
    if (best === null) return;
    if (this.#knewFirst < 0) this.#knewFirst = this.#ample.effects.version;
    this.reduced++;
    this.#steps = all.slice();
    best.forEach((from, to) => {
      step[to] = this.#steps[from]!;
    });
    expander.count = best.length;
  }

  /** Puts the steps back that were left out: properties are judged on all. */
  restore(expander: Expander): void {
    if (expander.count === this.#count) return;
    expander.step.set(this.#steps);
    expander.count = this.#count;
  }
}

interface Named {
  readonly name: string;
  readonly predicate: Predicate;
}

function predicatesOf(property: Property, { finding, applied }: Found): readonly Named[] {
  const { name } = property;
  if (finding !== null) return [];
  switch (property.kind) {
    case "always": {
      const { when, that } = property;
      return [when, that].flatMap((predicate) =>
        predicate === undefined ? [] : [{ name, predicate }],
      );
    }
    case "sometimes":
      return [{ name, predicate: property.that }];
    case "step":
      return applied || property.seen === undefined ? [] : [{ name, predicate: property.seen }];
    // Deadlocks remain in any case; what is to come to pass is not judged.
    default:
      return [];
  }
}
