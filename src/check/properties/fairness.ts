/**
 * Weak fairness, channel by channel: a message that can be delivered at every moment from some time on is
 * delivered at last. Of a FIFO channel that is its head; of a bag and a board each message apart. What a
 * component does by itself it may also never do.
 */
import type { Expander } from "../engine/expander.ts";
import { BY_ITSELF } from "../engine/transitions.ts";

export const UNFAIR = -1;

export class FairClasses {
  readonly #numbers = new Map<string, number>();

  /** The class of a step of the state in the expander; UNFAIR if nothing obliges it. */
  of(expander: Expander, step: number): number {
    const { transitions } = expander;
    const transition = expander.step[step]!;
    const channel = transitions.channel[transition]!;
    if (channel === BY_ITSELF) return UNFAIR;
    const { kind, fair } = expander.model.channels[channel]!;
    if (!fair) return UNFAIR;
    const key =
      kind === "fifo"
        ? `${channel}`
        : `${channel} ${transitions.message[transition]!} ${transitions.component[transition]!}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(key, number);
    return number;
  }
}
