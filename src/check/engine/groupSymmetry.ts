/**
 * Symmetry under a small group of renamings. A renaming moves slots, and takes each value of a slot to a
 * value of the slot that it becomes: worked out once for each value, and looked up ever after. The
 * representative of a state is the least of its images, compared number by number. Numbers stay what
 * they are once given, and a state that is met has all its images numbered, so within a search the
 * representative of an orbit is always the same, and the number of orbits depends on nothing else.
 */

import { itemAt, wordAt } from "../../lookup.ts";
import type { Expander } from "./expander.ts";
import type { Model, RenamingGroup } from "./model.ts";
import { StateRenaming } from "./stateRenaming.ts";
import type { Symmetry } from "./symmetry.ts";
import { SymmetryCheck } from "./symmetryCheck.ts";

export class GroupSymmetry implements Symmetry {
  readonly #model: Model;
  readonly #group: RenamingGroup;
  readonly renamings: readonly StateRenaming[];
  readonly #check: SymmetryCheck;
  /** Slots in the order of comparison: memory first, which mostly tells at once. New ones come last. */
  #order = new Int32Array(0);
  #least = new Int32Array(0);
  #image = new Int32Array(0);

  constructor(model: Model, group: RenamingGroup) {
    this.#model = model;
    this.#group = group;
    this.renamings = group.renamings.map((one) => new StateRenaming(model, group, one));
    this.#check = new SymmetryCheck(model, this.renamings, this);
    this.adapt();
  }

  get remark(): string {
    const { alike, differs, renamings } = this.#group;
    const why = differs.map((one) => `; ${one}`).join("");
    if (renamings.length === 0) return `nothing is alike, and every state is kept${why}`;
    const count = renamings.length + 1;
    return `${alike.join(", and ")}: of ${count} states that differ by their numbers one is kept${why}`;
  }

  adapt(): void {
    const { slots, components } = this.#model;
    if (this.#order.length === slots.length) return;
    // What one makes, the others must know of too.
    let known: number;
    do {
      known = slots.length;
      for (const one of this.renamings) one.adapt();
    } while (slots.length > known);
    const before = Array.from(this.#order);
    const added = Array.from(slots.keys()).slice(before.length);
    const isOwn = new Set(components.map(({ slot }) => slot));
    const first = added.filter((slot) => !isOwn.has(slot) && this.#model.channels[slot] === null);
    const rest = added.filter((slot) => !first.includes(slot));
    this.#order = Int32Array.from([...before, ...first, ...rest]);
    this.#least = new Int32Array(slots.length);
    this.#image = new Int32Array(slots.length);
  }

  canonicalize(ids: Int32Array): void {
    const order = this.#order;
    let least = this.#least;
    let image = this.#image;
    least.set(ids);
    for (let i = 0; i < this.renamings.length; i++) {
      const renaming = itemAt(this.renamings, i);
      const { source } = renaming;
      let isLess = false;
      let at = 0;
      for (; at < order.length; at++) {
        const slot = wordAt(order, at);
        const from = wordAt(source, slot);
        const id = renaming.idOf(from, wordAt(ids, from));
        if (!isLess && id !== wordAt(least, slot)) {
          if (id > wordAt(least, slot)) break;
          isLess = true;
        }
        image[slot] = id;
      }
      if (isLess && at === order.length) [least, image] = [image, least];
    }
    this.#least = least;
    this.#image = image;
    ids.set(least);
  }

  check(expander: Expander): void {
    this.#check.look(expander);
  }

  alike(property: string): readonly string[] {
    return [
      ...new Set([property, ...this.renamings.map((one) => one.renaming.property(property))]),
    ];
  }
}
