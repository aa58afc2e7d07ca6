/**
 * Fairness, class by class. Weak: a message that can be delivered at every moment from some time on is
 * delivered at last. Of a FIFO channel that is its head; of a bag and a board each message apart. Strong: a
 * message that can be delivered again and again is delivered again and again, each message apart. What a component
 * does by itself it may also never do, unless the model says that something is owed to it.
 */

import { itemAt, wordAt } from "../../lookup.ts";
import type { Fairness } from "../engine/channel.ts";
import { channelAt } from "../engine/channel.ts";
import type { Expander } from "../engine/expander.ts";
import type { Model } from "../engine/model.ts";
import { BY_ITSELF, LOST } from "../engine/transitions.ts";

export const UNFAIR = -1;

export class FairClasses {
  readonly #numbers = new Map<string, number>();
  readonly #isStrong: boolean[] = [];

  /** The class of a step of the state in the expander; UNFAIR if nothing obliges it. */
  of(expander: Expander, step: number): number {
    const { transitions, model } = expander;
    const transition = wordAt(expander.step, step);
    const channel = wordAt(transitions.channel, transition);
    if (channel === BY_ITSELF) return this.#ofChoice(expander, transition);
    const { kind, fairness } = channelAt(model.channels, channel);
    if (fairness === null || transitions.outcome[transition] === LOST) return UNFAIR;
    // A duplicate is not the delivery that is owed.
    const remains = transitions.rest[transition] === expander.ids[channel];
    if (remains && kind !== "shared") return UNFAIR;
    const key =
      kind === "fifo" && fairness === "weak"
        ? `${channel}`
        : `${channel} ${wordAt(transitions.message, transition)} ${wordAt(transitions.component, transition)}`;
    return this.#numberOf(key, fairness);
  }

  #ofChoice({ transitions, model }: Expander, transition: number): number {
    const component = wordAt(transitions.component, transition);
    const event = itemAt(model.messages.values, wordAt(transitions.message, transition));
    const fairness = itemAt(model.components, component).fairness?.(event) ?? null;
    return fairness === null
      ? UNFAIR
      : this.#numberOf(`by itself ${component} ${event.type}`, fairness);
  }

  #numberOf(key: string, fairness: Fairness): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(key, number);
    this.#isStrong.push(fairness === "strong");
    return number;
  }

  isStrong(number: number): boolean {
    return itemAt(this.#isStrong, number);
  }
}

/** Whether anything in a model is owed strong fairness. */
export function hasStrongFairness({ channels, components }: Model): boolean {
  return (
    channels.some((channel) => channel?.fairness === "strong") ||
    components.some(({ hasStrongChoices }) => hasStrongChoices === true)
  );
}
