/** A predicate over slots, asked once for each combination of their values. */
import { type Model, slotNamed } from "../engine/model.ts";
import { TupleTable } from "../engine/tupleTable.ts";
import type { Predicate } from "./property.ts";

export class Evaluator {
  readonly #model: Model;
  readonly #predicate: Predicate;
  readonly #slots: Int32Array;
  readonly #known: TupleTable;

  constructor(model: Model, predicate: Predicate) {
    this.#model = model;
    this.#predicate = predicate;
    this.#slots = Int32Array.from(predicate.over, (name) => slotNamed(model, name));
    this.#known = new TupleTable(this.#slots.length);
  }

  /** Whether the predicate holds in a state, given as numbers of all slots. */
  holds(ids: Int32Array): boolean {
    const known = this.#known.find(ids, this.#slots);
    return known >= 0 ? known === 1 : this.#ask(ids);
  }

  #ask(ids: Int32Array): boolean {
    const values = Array.from(this.#slots, (slot) => this.#model.slots[slot]!.values[ids[slot]!]);
    const holds = this.#predicate.holds(...(values as never[]));
    this.#known.add(ids, this.#slots, holds ? 1 : 0);
    return holds;
  }
}
