/** A predicate over slots, asked once for each combination of their values. */

import { wordAt } from "../../lookup.ts";
import type { Layout } from "../engine/layout.ts";
import { type Model, slotNamed, slotValue } from "../engine/model.ts";
import { TupleTable } from "../engine/tupleTable.ts";
import type { Predicate } from "./property.ts";

export class Evaluator {
  readonly #model: Model;
  readonly #predicate: Predicate;
  readonly #slots: readonly number[];
  #layout: Layout | null = null;
  /** Words of a packed state that hold some of the slots, and the bits of these. */
  #words = new Int32Array(0);
  #masks = new Int32Array(0);
  #part = new Int32Array(0);
  #places = new Int32Array(0);
  #known = new TupleTable(1);

  constructor(model: Model, predicate: Predicate) {
    this.#model = model;
    this.#predicate = predicate;
    this.#slots = predicate.over.map((name) => slotNamed(model, name));
  }

  /** Whether the predicate holds in the packed state that begins at `from`. */
  holds(layout: Layout, states: Int32Array, from: number): boolean {
    if (layout !== this.#layout) this.#use(layout);
    const part = this.#part;
    for (let i = 0; i < part.length; i++) {
      part[i] = wordAt(states, from + wordAt(this.#words, i)) & wordAt(this.#masks, i);
    }
    const known = this.#known.find(part, this.#places);
    return known >= 0 ? known === 1 : this.#ask(layout, states, from);
  }

  #use(layout: Layout): void {
    this.#layout = layout;
    const masks = new Int32Array(layout.words);
    for (const slot of this.#slots) {
      masks[wordAt(layout.word, slot)]! |= wordAt(layout.mask, slot) << wordAt(layout.shift, slot);
    }
    this.#words = Int32Array.from(masks.keys()).filter((word) => masks[word] !== 0);
    this.#masks = this.#words.map((word) => wordAt(masks, word));
    this.#part = new Int32Array(this.#words.length);
    this.#places = Int32Array.from(this.#words.keys());
    this.#known = new TupleTable(this.#words.length);
  }

  #ask(layout: Layout, states: Int32Array, from: number): boolean {
    const ids = new Int32Array(layout.slots);
    layout.unpack(states, from, ids);
    const values = this.#slots.map((slot) => slotValue(this.#model, slot, wordAt(ids, slot)));
    const holds = this.#predicate.holds(...values);
    this.#known.add(this.#part, this.#places, holds ? 1 : 0);
    return holds;
  }
}

/** Whether a predicate holds in a state given by the numbers of its slots. Asked anew each time. */
export function holdsAt(model: Model, { over, holds }: Predicate, ids: Int32Array): boolean {
  const values = over.map((name) => {
    const slot = slotNamed(model, name);
    return slotValue(model, slot, wordAt(ids, slot));
  });
  return holds(...values);
}
