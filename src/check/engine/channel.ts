/**
 * Channels between actors, as slots: a channel's state is the list of messages that wait in it. Number 0
 * is the empty channel.
 */
import { Slot } from "./slot.ts";

/**
 * fifo: in the order of sending. bag: each waiting message may come next. shared: a board on which
 * messages stay, and every receiver may take each any number of times (a network that duplicates).
 */
export type ChannelKind = "fifo" | "bag" | "shared";

export interface ChannelOptions {
  readonly kind: ChannelKind;
  /** Numbers of the components that may receive; one, except for a board. */
  readonly receivers: readonly number[];
  /** Whether a message that waits already is not added again: a pending bit. */
  readonly coalesces?: (message: number) => boolean;
  /** A wire without latency: what waits in it is delivered before anything else happens. */
  readonly immediate?: boolean;
  /** Whether a message that waits for ever must be delivered at last; default true. */
  readonly fair?: boolean;
}

export class Channel extends Slot<readonly number[]> {
  readonly kind: ChannelKind;
  readonly receivers: readonly number[];
  readonly immediate: boolean;
  readonly fair: boolean;
  /** Whether a message is a pending bit: it waits at most once. */
  readonly coalesces: (message: number) => boolean;
  /** By state: the messages that may be delivered, each with the state that is left. */
  readonly #deliverable: Int32Array[] = [];
  /** By state and message: 1 + the state after sending; 0 = not known yet. */
  readonly #appended: Int32Array[] = [];

  constructor(
    name: string,
    { kind, receivers, coalesces, immediate = false, fair = true }: ChannelOptions,
  ) {
    super(name);
    this.kind = kind;
    this.receivers = receivers;
    this.immediate = immediate;
    this.fair = fair;
    this.coalesces = coalesces ?? (() => kind === "shared");
    this.intern([]);
  }

  /** Pairs: a message that may come next, and the channel's state after it. */
  deliverable(state: number): Int32Array {
    return this.#deliverable[state] ?? this.#findDeliverable(state);
  }

  #findDeliverable(state: number): Int32Array {
    const waiting = this.values[state]!;
    const pairs: number[] = [];
    waiting.forEach((message, position) => {
      if (this.kind === "fifo" && position > 0) return;
      // Of equal messages in a bag, one.
      if (waiting.indexOf(message) < position) return;
      const rest = this.kind === "shared" ? waiting : waiting.toSpliced(position, 1);
      pairs.push(message, this.intern(rest));
    });
    this.#deliverable[state] = Int32Array.from(pairs);
    return this.#deliverable[state];
  }

  /** As append, but -1 if that was never asked before. */
  known(state: number, message: number): number {
    return (this.#appended[state]?.[message] ?? 0) - 1;
  }

  /** The channel's state after a message was sent into it. */
  append(state: number, message: number): number {
    const known = this.#appended[state]?.[message];
    return known !== undefined && known !== 0 ? known - 1 : this.#findAppended(state, message);
  }

  #findAppended(state: number, message: number): number {
    const waiting = this.values[state]!;
    let next = state;
    if (!(this.coalesces(message) && waiting.includes(message))) {
      const after = [...waiting, message];
      if (this.kind !== "fifo") after.sort((a, b) => a - b);
      next = this.intern(after);
    }
    let row = this.#appended[state];
    if (row === undefined || row.length <= message) {
      const grown = new Int32Array(Math.max(16, 2 * message));
      if (row !== undefined) grown.set(row);
      this.#appended[state] = row = grown;
    }
    row[message] = next + 1;
    return next;
  }
}
