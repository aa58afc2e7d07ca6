/**
 * What comes of a state in which wires without latency are busy, once all that is on them has been taken. The expander takes
 * what is on the first of them first; in the image of a state that is another one. Where receivers do not touch the same
 * memory the order makes no difference to what comes in the end, though the rest of the state tells them apart, such as
 * which vCPU has waited longest. States on the way are others then: what properties say of these is compared, too.
 */
import { holdsAt } from "../properties/evaluate.ts";
import type { Predicate, Property } from "../properties/property.ts";
import type { Expander } from "./expander.ts";
import type { Model, Renaming } from "./model.ts";
import { type Next, nextOf } from "./nextSteps.ts";

export class WireEnds {
  readonly #model: Model;
  readonly #renamings: readonly Renaming[];
  readonly #isBusy: (ids: Int32Array) => boolean;
  readonly #orbitOf: (ids: Int32Array) => string;

  /** @param isBusy whether something is on a wire. @param orbitOf the orbit of a state, as text */
  constructor(
    model: Model,
    renamings: readonly Renaming[],
    isBusy: (ids: Int32Array) => boolean,
    orbitOf: (ids: Int32Array) => string,
  ) {
    this.#model = model;
    this.#renamings = renamings;
    this.#isBusy = isBusy;
    this.#orbitOf = orbitOf;
  }

  /**
   * The orbits in which the wires are quiet after these steps, what was broken on the way, and what properties said there:
   * as text that is equal for the same. Null if a channel has come to be by it.
   */
  after(expander: Expander, steps: readonly Next[]): string | null {
    const ends = new Set<string>();
    const visit = (ids: Int32Array, broken: number, said: ReadonlySet<string>): boolean => {
      if (!this.#isBusy(ids)) {
        ends.add(`${broken} ${[...said].sort().join()}: ${this.#orbitOf(ids)}`);
        return true;
      }
      const more = new Set([...said, ...this.#saidOf(ids)]);
      expander.ids.set(ids);
      expander.expand();
      if (expander.isOutdated) return false;
      return nextOf(expander).every((next) => visit(next.ids, broken | next.broken, more));
    };
    const isWhole = steps.every(({ ids, broken }) => visit(ids, broken, new Set()));
    return isWhole ? [...ends].sort().join("\n") : null;
  }

  /** Properties that a state decides something of, by the first of the names that renamings give them. */
  #saidOf(ids: Int32Array): string[] {
    const { properties } = this.#model;
    const nameOf = (name: string): string =>
      [name, ...this.#renamings.map((one) => one.property(name))].sort()[0] ?? name;
    return properties.filter((one) => this.#isSaid(one, ids)).map(({ name }) => nameOf(name));
  }

  #isSaid(property: Property, ids: Int32Array): boolean {
    switch (property.kind) {
      case "sometimes":
      case "eventually":
        return holdsAt(this.#model, property.that, ids);
      case "always":
      case "leadsTo":
        return this.#isMeant(property.when, ids) && !holdsAt(this.#model, property.that, ids);
      default:
        return false;
    }
  }

  #isMeant(when: Predicate | undefined, ids: Int32Array): boolean {
    return when === undefined || holdsAt(this.#model, when, ids);
  }
}
