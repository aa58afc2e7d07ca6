/**
 * Channels between actors, as slots: a channel's state is the list of messages that wait in it. Number 0
 * is the empty channel.
 */

import { itemAt, present } from "../../lookup.ts";
import { Slot } from "./slot.ts";

/**
 * fifo: in the order of sending. bag: each waiting message may come next. shared: a board on which
 * messages stay, and every receiver may take each any number of times (a network that duplicates).
 */
export type ChannelKind = "fifo" | "bag" | "shared";

/**
 * What is owed to what waits in a channel, or may be done again and again. weak: what can happen at every
 * moment from some time on happens at last. strong: what can happen again and again does.
 */
export type Fairness = "weak" | "strong";

/** What a channel with a capacity does when it is full: the sender's step waits, or the message is lost. */
export type WhenFull = "block" | "lose";

export interface ChannelOptions {
  readonly kind: ChannelKind;
  /** Number of the component that sends, where it is one. */
  readonly from?: number;
  /** Who sends, where it is no component. */
  readonly outside?: string;
  /** Numbers of the components that may receive; one, except for a board. */
  readonly receivers: readonly number[];
  /** What may come next may also be lost. Not of a board. */
  readonly lossy?: boolean;
  /** What may come next may come again: delivered, it also remains. Not of a board, which does so anyway. */
  readonly duplicating?: boolean;
  /** Messages that have room in it; default: any number. */
  readonly capacity?: number;
  /** Default: block. */
  readonly whenFull?: WhenFull;
  /** Whether a message that waits already is not added again: a pending bit. */
  readonly coalesces?: (message: number) => boolean;
  /** A wire without latency: what waits in it is delivered before anything else happens. */
  readonly immediate?: boolean;
  /** What is owed to what waits in it; false: it may wait for ever. Default: weak. */
  readonly fair?: Fairness | boolean;
}

export class Channel extends Slot<readonly number[]> {
  readonly kind: ChannelKind;
  readonly receivers: readonly number[];
  readonly immediate: boolean;
  readonly fairness: Fairness | null;
  readonly from: number | null;
  readonly outside: string;
  readonly lossy: boolean;
  readonly duplicating: boolean;
  readonly capacity: number;
  readonly whenFull: WhenFull;
  /** Whether a message is a pending bit: it waits at most once. */
  readonly coalesces: (message: number) => boolean;
  /** By state: the messages that may be delivered, each with the state that is left. */
  readonly #deliverable: Int32Array[] = [];
  /** By state and message: 1 + the state after sending; 0 = not known yet. */
  readonly #appended: Int32Array[] = [];

  constructor(name: string, options: ChannelOptions) {
    super(name);
    const { kind, receivers, coalesces, fair = "weak" } = options;
    this.kind = kind;
    this.receivers = receivers;
    this.immediate = options.immediate ?? false;
    this.fairness = typeof fair === "string" ? fair : fair ? "weak" : null;
    this.from = options.from ?? null;
    this.outside = options.outside ?? "";
    this.lossy = options.lossy ?? false;
    this.duplicating = options.duplicating ?? false;
    this.capacity = options.capacity ?? Number.POSITIVE_INFINITY;
    this.whenFull = options.whenFull ?? "block";
    // What may come any number of times need not wait twice.
    const isSet = kind === "shared" || (kind === "bag" && this.duplicating);
    this.coalesces = coalesces ?? (() => isSet);
    this.intern([]);
  }

  /** Whether a message that is sent now has to wait for room. */
  blocks(state: number, message: number): boolean {
    if (this.whenFull !== "block" || itemAt(this.values, state).length < this.capacity)
      return false;
    return !this.#isThere(itemAt(this.values, state), message);
  }

  #isThere(waiting: readonly number[], message: number): boolean {
    return this.coalesces(message) && waiting.includes(message);
  }

  /** Pairs: a message that may come next, and the channel's state after it. */
  deliverable(state: number): Int32Array {
    return this.#deliverable[state] ?? this.#findDeliverable(state);
  }

  #findDeliverable(state: number): Int32Array {
    const waiting = itemAt(this.values, state);
    const pairs: number[] = [];
    waiting.forEach((message, position) => {
      if (this.kind === "fifo" && position > 0) return;
      // Of equal messages in a bag, one.
      if (waiting.indexOf(message) < position) return;
      if (this.kind !== "shared") pairs.push(message, this.#without(waiting, position));
      if (this.kind === "shared" || this.duplicating) pairs.push(message, state);
    });
    this.#deliverable[state] = Int32Array.from(pairs);
    return this.#deliverable[state];
  }

  #without(waiting: readonly number[], position: number): number {
    return this.intern(waiting.toSpliced(position, 1));
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
    const waiting = itemAt(this.values, state);
    let next = state;
    const isLost = this.whenFull === "lose" && waiting.length >= this.capacity;
    if (!this.#isThere(waiting, message) && !isLost) {
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

/** A slot's channel. @param channels by slot, null for other slots. @throws NotThereError if it is none */
export function channelAt(channels: readonly (Channel | null)[], slot: number): Channel {
  return present(channels[slot], "a slot's channel");
}
