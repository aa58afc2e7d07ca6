/**
 * Weak fairness, channel by channel: a message that can be delivered at every moment from some time on is
 * delivered at last. Of a FIFO channel that is its head; of a bag and a board each message apart. What a
 * component does by itself it may also never do.
 */
import { BY_ITSELF, type Expander } from "../engine/expander.ts";

export const UNFAIR = -1;

export class FairClasses {
  readonly #numbers = new Map<string, number>();

  /** The class of a step of the state in the expander; UNFAIR if nothing obliges it. */
  of(expander: Expander, step: number): number {
    const channel = expander.channel[step]!;
    if (channel === BY_ITSELF) return UNFAIR;
    const { kind, fair } = expander.model.channels[channel]!;
    if (!fair) return UNFAIR;
    const key =
      kind === "fifo"
        ? `${channel}`
        : `${channel} ${expander.message[step]!} ${expander.component[step]!}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(key, number);
    return number;
  }
}
