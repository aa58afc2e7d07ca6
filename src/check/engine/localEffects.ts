/**
 * What local steps were seen to do, whatever the memory: for partial-order reduction (ampleSets.ts). What
 * a step reads is known before it is worked out (its footprint); what it writes and sends is learnt.
 */

import { itemAt, wordAt } from "../../lookup.ts";
import type { Expander } from "./expander.ts";
import type { Model } from "./model.ts";
import { isWithoutStep } from "./transitions.ts";

/** All that a component in one state does with one message, over all memory that it was seen with. */
export interface Effect {
  /** Slots that it may read: its own and those of the footprint. */
  readonly footprint: readonly number[];
  readonly writes: Set<number>;
  /** States of the component after it. */
  readonly nexts: Set<number>;
  /** By channel, the messages sent. */
  readonly sends: Map<number, Set<number>>;
}

/** Messages are fewer: part of a key. */
const MESSAGES_MOST = 1 << 20;

export class LocalEffects {
  readonly #model: Model;
  readonly #effects: Map<number, Effect>[];
  readonly #choices: (readonly number[])[][];
  /** By transition: whether it is learnt. */
  #isNoted = new Uint8Array(1024);
  /** Grows with all that is learnt: what was concluded from less does not count. */
  version = 0;

  constructor(model: Model) {
    this.#model = model;
    this.#effects = model.components.map(() => new Map());
    this.#choices = model.components.map(() => []);
  }

  /** What is known of a step. Of one that was never seen, the footprint alone. */
  of(component: number, own: number, message: number): Effect {
    const effects = itemAt(this.#effects, component);
    const key = own * MESSAGES_MOST + message;
    const known = effects.get(key);
    if (known !== undefined) return known;
    const { components, messages } = this.#model;
    const { slot, footprint } = itemAt(components, component);
    const effect: Effect = {
      footprint: [slot, ...footprint(own, itemAt(messages.values, message))],
      writes: new Set(),
      nexts: new Set(),
      sends: new Map(),
    };
    effects.set(key, effect);
    return effect;
  }

  /** What a component in a state may do by itself: messages. */
  choicesOf(component: number, own: number): readonly number[] {
    const known = itemAt(this.#choices, component)[own];
    if (known !== undefined) return known;
    const { components, messages } = this.#model;
    const found = itemAt(components, component)
      .choices(own)
      .map((event) => messages.intern(event));
    itemAt(this.#choices, component)[own] = found;
    return found;
  }

  /** Learns from the steps of the state that the expander has expanded. */
  note({ transitions, steps, step, count, ids }: Expander): void {
    if (this.#isNoted.length < transitions.count) {
      const isNoted = new Uint8Array(2 * transitions.count);
      isNoted.set(this.#isNoted);
      this.#isNoted = isNoted;
    }
    for (let i = 0; i < count; i++) {
      const transition = wordAt(step, i);
      if (this.#isNoted[transition] === 1) continue;
      this.#isNoted[transition] = 1;
      const outcome = wordAt(transitions.outcome, transition);
      if (isWithoutStep(outcome)) continue;
      const component = wordAt(transitions.component, transition);
      const own = wordAt(ids, itemAt(this.#model.components, component).slot);
      this.#learn(component, own, wordAt(transitions.message, transition), steps.pool, outcome);
    }
  }

  #learn(component: number, own: number, message: number, pool: Int32Array, outcome: number): void {
    const effect = this.of(component, own, message);
    const { slot: ownSlot } = itemAt(this.#model.components, component);
    let at = outcome + 2;
    for (let writes = wordAt(pool, at++); writes > 0; writes--) {
      const [slot, value] = [wordAt(pool, at), wordAt(pool, at + 1)];
      at += 2;
      this.#add(effect.writes, slot);
      if (slot === ownSlot) this.#add(effect.nexts, value);
    }
    for (let left = wordAt(pool, at++); left > 0; left--) {
      const channel = wordAt(pool, at);
      const messages = wordAt(pool, at + 1);
      at += 2;
      let sent = effect.sends.get(channel);
      if (sent === undefined) {
        sent = new Set();
        effect.sends.set(channel, sent);
      }
      for (let i = 0; i < messages; i++) this.#add(sent, wordAt(pool, at++));
    }
  }

  #add(set: Set<number>, value: number): void {
    if (set.has(value)) return;
    set.add(value);
    this.version++;
  }
}
