/** The layout that a search packs its states by, as the model's slots get more values. */

import { wordAt } from "../../lookup.ts";
import type { Expander } from "./expander.ts";
import { type Layout, layoutFor } from "./layout.ts";
import type { Watch } from "./slot.ts";

export class Packing {
  readonly #expander: Expander;
  readonly #watch: Watch = { overflowed: false, added: 0 };
  layout: Layout;

  constructor(expander: Expander) {
    this.#expander = expander;
    this.layout = this.renew();
  }

  /** Whether a slot has outgrown its field, or is new: nothing that was packed since then counts. */
  get isOutgrown(): boolean {
    return this.#watch.overflowed || this.#expander.ids.length !== this.layout.slots;
  }

  /** Values that slots, and the list of messages, have got. */
  get added(): number {
    return this.#watch.added;
  }

  /** A layout with room for all values known now. */
  renew(): Layout {
    return this.use(layoutFor(this.#expander.model.slots));
  }

  use(layout: Layout): Layout {
    const { model, transitions } = this.#expander;
    this.layout = layout;
    this.#watch.overflowed = false;
    model.messages.watch = this.#watch;
    model.slots.forEach((slot, number) => {
      slot.room = 2 ** wordAt(layout.bits, number);
      slot.watch = this.#watch;
    });
    transitions.use(layout);
    return layout;
  }
}
