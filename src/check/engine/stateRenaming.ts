/** What a renaming makes of the numbers of a state. Each value is renamed once, and looked up ever after. */

import { itemAt, wordAt } from "../../lookup.ts";
import { channelAt } from "./channel.ts";
import { grown } from "./growable.ts";
import type { Model, Renaming, RenamingGroup } from "./model.ts";

/** A renaming of a whole state, slot by slot. */
export class StateRenaming {
  readonly renaming: Renaming;
  /** By slot: the slot that it becomes, and the slot that becomes it. */
  image = new Int32Array(0);
  source = new Int32Array(0);
  readonly #model: Model;
  readonly #group: Pick<RenamingGroup, "slotNamed">;
  /** By slot and number: 1 + the number in the slot that it becomes; 0 = not known yet. */
  readonly #values: Int32Array[] = [];
  /** The same of messages, by the channel that they are in. */
  readonly #messages: Int32Array[] = [];

  constructor(model: Model, group: Pick<RenamingGroup, "slotNamed">, renaming: Renaming) {
    this.#model = model;
    this.#group = group;
    this.renaming = renaming;
  }

  /** Takes in slots that have come to be. May make channels. */
  adapt(): void {
    const { slots } = this.#model;
    const image: number[] = Array.from(this.image);
    for (let slot = image.length; slot < slots.length; slot++) {
      image.push(this.#group.slotNamed(this.renaming.slot(itemAt(slots, slot).name)));
      this.#values.push(new Int32Array(16));
      this.#messages.push(new Int32Array(16));
    }
    this.image = Int32Array.from(image);
    this.source = new Int32Array(image.length);
    image.forEach((to, from) => {
      this.source[to] = from;
    });
  }

  /** The number, in the slot that a slot becomes, of what a value becomes. */
  idOf(slot: number, id: number): number {
    const known = itemAt(this.#values, slot)[id];
    return known !== undefined && known > 0 ? known - 1 : this.#findId(slot, id);
  }

  #findId(slot: number, id: number): number {
    const { slots, channels } = this.#model;
    const to = wordAt(this.image, slot);
    const { name, values } = itemAt(slots, slot);
    const channel = channels[to] ?? null;
    let found: number;
    if (channel === null) found = itemAt(slots, to).intern(this.renaming.value(name, values[id]));
    else {
      const waiting = itemAt(channelAt(channels, slot).values, id).map((message) =>
        this.messageOf(slot, message),
      );
      // Where there is no order, that of numbers (see Channel).
      if (channel.kind !== "fifo") waiting.sort((a, b) => a - b);
      found = channel.intern(waiting);
    }
    if (id >= itemAt(this.#values, slot).length)
      this.#values[slot] = grown(itemAt(this.#values, slot), 2 * id);
    itemAt(this.#values, slot)[id] = found + 1;
    return found;
  }

  /** The number of what a message in a channel becomes. */
  messageOf(channel: number, message: number): number {
    const known = itemAt(this.#messages, channel)[message];
    if (known !== undefined && known > 0) return known - 1;
    const { messages, slots } = this.#model;
    const { name } = itemAt(slots, channel);
    const found = messages.intern(this.renaming.message(name, itemAt(messages.values, message)));
    if (message >= itemAt(this.#messages, channel).length) {
      this.#messages[channel] = grown(itemAt(this.#messages, channel), 2 * message);
    }
    itemAt(this.#messages, channel)[message] = found + 1;
    return found;
  }

  /** Writes the image of a state. */
  apply(ids: Int32Array, to: Int32Array): void {
    for (let slot = 0; slot < ids.length; slot++) {
      to[wordAt(this.image, slot)] = this.idOf(slot, wordAt(ids, slot));
    }
  }
}
