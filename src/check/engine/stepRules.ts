/** Step properties that are plain predicates: asked once for each transition that comes about. */

import { itemAt, wordAt } from "../../lookup.ts";
import type { SeenStep } from "../properties/property.ts";
import { channelAt } from "./channel.ts";
import type { LocalSteps } from "./localSteps.ts";
import { type Model, shownMessage } from "./model.ts";
import { BY_ITSELF, isWithoutStep, LOST, type Transition } from "./transitions.ts";

export class StepRules {
  readonly #model: Model;
  readonly #steps: LocalSteps;

  constructor(model: Model, steps: LocalSteps) {
    this.#model = model;
    this.#steps = steps;
  }

  /**
   * Bits of the properties that a transition breaks.
   * @param before number of the receiver's state
   */
  bits(transition: Transition, before: number): number {
    const { stepRules = [] } = this.#model;
    if (stepRules.length === 0) return 0;
    const seen = this.seen(transition, before);
    const broken = stepRules.filter(({ holds }) => !holds(seen)).map(({ property }) => property);
    return this.#steps.bitsOf(broken);
  }

  /** A transition, as a property sees it. */
  seen({ component, channel, message, outcome }: Transition, before: number): SeenStep {
    const { components, slots, messages } = this.#model;
    const { name, slot } = itemAt(components, component);
    const taken = !isWithoutStep(outcome);
    const sender = channel === BY_ITSELF ? null : this.#senderOf(channel);
    return {
      event: shownMessage(itemAt(messages.values, message)),
      sender,
      receiver: name,
      before: itemAt(slots, slot).values[before],
      after: itemAt(slots, slot).values[taken ? this.#after(outcome, slot, before) : before],
      sent: taken ? this.#sent(outcome) : [],
      taken,
      lost: outcome === LOST,
    };
  }

  #senderOf(channel: number): string | null {
    const from = this.#model.channels[channel]?.from ?? null;
    return from === null ? null : itemAt(this.#model.components, from).name;
  }

  #after(outcome: number, slot: number, before: number): number {
    const { pool } = this.#steps;
    for (let left = wordAt(pool, outcome + 2), at = outcome + 3; left > 0; left--, at += 2) {
      if (pool[at] === slot) return wordAt(pool, at + 1);
    }
    return before;
  }

  #sent(outcome: number): SeenStep["sent"] {
    const { pool } = this.#steps;
    const { channels, components, messages } = this.#model;
    const sent: SeenStep["sent"][number][] = [];
    let at = outcome + 3 + 2 * wordAt(pool, outcome + 2);
    for (let left = wordAt(pool, at++); left > 0; left--) {
      const to = channelAt(channels, wordAt(pool, at)).receivers.map(
        (receiver) => itemAt(components, receiver).name,
      );
      const end = at + 2 + wordAt(pool, at + 1);
      for (at += 2; at < end; at++) {
        sent.push({ to, event: shownMessage(itemAt(messages.values, wordAt(pool, at))) });
      }
    }
    return sent;
  }
}
