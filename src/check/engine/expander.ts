/** All next states of a state, in a fixed order: channels by number, then what components do by themselves. */
import type { Channel } from "./channel.ts";
import type { Layout } from "./layout.ts";
import { LocalSteps, NOT_TAKEN } from "./localSteps.ts";
import type { Model } from "./model.ts";

/** A step that only takes a message away: its receiver does nothing with it. */
export const DROPPED = 0;
/** In place of a channel: the component acts by itself. */
export const BY_ITSELF = -1;

export class Expander {
  readonly model: Model;
  readonly steps: LocalSteps;
  /** The state that is expanded: numbers of all slots. */
  ids: Int32Array;
  /** Steps of the last expansion. */
  count = 0;
  /** A wire without latency is busy: what else could happen was held back. */
  isImmediate = false;
  /** Each step's outcome in steps.pool, or DROPPED. */
  outcome = new Int32Array(64);
  component = new Int32Array(64);
  /** The channel that the message came by, or BY_ITSELF; what is left in it; and the message. */
  channel = new Int32Array(64);
  rest = new Int32Array(64);
  message = new Int32Array(64);
  #channels: readonly Channel[] = [];
  #channelSlots = new Int32Array(0);
  /** The first of them, which have no latency. */
  #immediate = 0;
  readonly #deciders: Int32Array;

  constructor(model: Model) {
    this.model = model;
    this.steps = new LocalSteps(model);
    this.ids = model.initial.slice();
    this.adapt();
    this.#deciders = Int32Array.from(model.components.keys());
  }

  /** Notes the channels that the model has by now. */
  adapt(): void {
    const { slots, channels } = this.model;
    const ids = new Int32Array(slots.length);
    ids.set(this.ids);
    this.ids = ids;
    const all = channels.flatMap((channel, slot) => (channel === null ? [] : [slot]));
    const immediate = all.filter((slot) => channels[slot]!.immediate);
    const numbers = [...immediate, ...all.filter((slot) => !channels[slot]!.immediate)];
    this.#immediate = immediate.length;
    this.#channelSlots = Int32Array.from(numbers);
    this.#channels = numbers.map((slot) => channels[slot]!);
  }

  /** Whether the model has more slots than this knows of: then the last expansion does not count. */
  get isOutdated(): boolean {
    return this.ids.length !== this.model.slots.length;
  }

  /** Finds the steps of the state in `ids`. */
  expand(): void {
    this.count = 0;
    this.isImmediate = true;
    const { ids } = this;
    const slots = this.#channelSlots;
    for (let i = 0; i < this.#immediate; i++) {
      if (ids[slots[i]!]! === 0) continue;
      this.#deliver(i);
      return;
    }
    this.isImmediate = false;
    for (let i = this.#immediate; i < slots.length; i++) {
      if (ids[slots[i]!]! !== 0) this.#deliver(i);
    }
    this.#decide();
  }

  #deliver(number: number): void {
    const { ids, steps } = this;
    const slot = this.#channelSlots[number]!;
    const channel = this.#channels[number]!;
    const { receivers } = channel;
    const pairs = channel.deliverable(ids[slot]!);
    for (let pair = 0; pair < pairs.length; pair += 2) {
      const message = pairs[pair]!;
      const rest = pairs[pair + 1]!;
      for (let r = 0; r < receivers.length; r++) {
        const result = steps.find(receivers[r]!, ids, message);
        if (result !== NOT_TAKEN) this.#add(receivers[r]!, slot, rest, message, result);
        else if (channel.kind !== "shared")
          this.#addOne(receivers[r]!, slot, rest, message, DROPPED);
      }
    }
  }

  #decide(): void {
    const { ids, steps } = this;
    const deciders = this.#deciders;
    for (let i = 0; i < deciders.length; i++) {
      const choices = steps.choicesOf(deciders[i]!, ids);
      for (let c = 0; c < choices.length; c++) {
        const result = steps.find(deciders[i]!, ids, choices[c]!);
        if (result !== NOT_TAKEN) this.#add(deciders[i]!, BY_ITSELF, 0, choices[c]!, result);
      }
    }
  }

  #add(component: number, channel: number, rest: number, message: number, result: number): void {
    const { pool } = this.steps;
    let outcome = result + 1;
    for (let left = pool[result]!; left > 0; left--) {
      this.#addOne(component, channel, rest, message, outcome);
      outcome += pool[outcome]!;
    }
  }

  #addOne(
    component: number,
    channel: number,
    rest: number,
    message: number,
    outcome: number,
  ): void {
    const at = this.count++;
    if (at === this.outcome.length) this.#grow();
    this.outcome[at] = outcome;
    this.component[at] = component;
    this.channel[at] = channel;
    this.rest[at] = rest;
    this.message[at] = message;
  }

  #grow(): void {
    const double = (array: Int32Array): Int32Array<ArrayBuffer> => {
      const grown = new Int32Array(2 * array.length);
      grown.set(array);
      return grown;
    };
    this.outcome = double(this.outcome);
    this.component = double(this.component);
    this.channel = double(this.channel);
    this.rest = double(this.rest);
    this.message = double(this.message);
  }

  /** Bits of the step properties that a step breaks. */
  brokenBits(step: number): number {
    const outcome = this.outcome[step]!;
    return outcome === DROPPED ? 0 : this.steps.pool[outcome + 1]!;
  }

  /** Writes the state after a step, as numbers of all slots. */
  apply(step: number, next: Int32Array): void {
    next.set(this.ids);
    const channel = this.channel[step]!;
    if (channel !== BY_ITSELF) next[channel] = this.rest[step]!;
    const outcome = this.outcome[step]!;
    if (outcome === DROPPED) return;
    const { pool } = this.steps;
    const { channels } = this.model;
    let at = outcome + 2;
    for (let writes = pool[at++]!; writes > 0; writes--) {
      next[pool[at]!] = pool[at + 1]!;
      at += 2;
    }
    for (let left = pool[at++]!; left > 0; left--) {
      const slot = pool[at]!;
      const messages = pool[at + 1]!;
      at += 2;
      let state = next[slot]!;
      for (let i = 0; i < messages; i++) state = channels[slot]!.append(state, pool[at++]!);
      next[slot] = state;
    }
  }

  /** The same, packed: `base` is the packed state that is expanded. Returns whether the step changes anything. */
  applyPacked(
    step: number,
    layout: Layout,
    base: Int32Array,
    from: number,
    packed: Int32Array,
    to: number,
  ): boolean {
    const { word, shift, mask, words } = layout;
    for (let i = 0; i < words; i++) packed[to + i] = base[from + i]!;
    const channel = this.channel[step]!;
    if (channel !== BY_ITSELF) {
      const at = to + word[channel]!;
      const field = shift[channel]!;
      packed[at] = (packed[at]! & ~(mask[channel]! << field)) | (this.rest[step]! << field);
    }
    const outcome = this.outcome[step]!;
    if (outcome === DROPPED) return true;
    const { pool } = this.steps;
    let at = outcome + 2;
    for (let writes = pool[at++]!; writes > 0; writes--) {
      const slot = pool[at]!;
      const field = shift[slot]!;
      const target = to + word[slot]!;
      packed[target] = (packed[target]! & ~(mask[slot]! << field)) | (pool[at + 1]! << field);
      at += 2;
    }
    const { channels } = this.model;
    for (let left = pool[at++]!; left > 0; left--) {
      const slot = pool[at]!;
      const messages = pool[at + 1]!;
      at += 2;
      let state = slot === channel ? this.rest[step]! : this.ids[slot]!;
      for (let i = 0; i < messages; i++) state = channels[slot]!.append(state, pool[at++]!);
      const field = shift[slot]!;
      const target = to + word[slot]!;
      packed[target] = (packed[target]! & ~(mask[slot]! << field)) | (state << field);
    }
    for (let i = 0; i < words; i++) if (packed[to + i] !== base[from + i]) return true;
    return false;
  }
}
