/**
 * Transitions of the whole: a local step with the channel that its message comes by. Each is known by the
 * values that it starts from (own state, channel, footprint), so what it changes is known too: a packed
 * state after it is the one before, XOR a few words. Only channels that it sends into depend on the rest.
 */

import { itemAt, wordAt } from "../../lookup.ts";
import { grown } from "./growable.ts";
import type { Layout } from "./layout.ts";
import type { StateHash } from "./stateHash.ts";

/** A transition that only takes a message away: its receiver does nothing with it. */
export const DROPPED = 0;
/** A transition that only takes a message away: it is lost on the way. */
export const LOST = 1;
/** In place of a channel: the component acts by itself. */
export const BY_ITSELF = -1;

export interface Transition {
  readonly component: number;
  /** Slot of the channel that the message comes by, or BY_ITSELF. */
  readonly channel: number;
  /** What is left in the channel. */
  readonly rest: number;
  readonly message: number;
  /** Position in the pool of local steps, DROPPED or LOST. */
  readonly outcome: number;
}

/** Whether the receiver does nothing in a transition. */
export function isWithoutStep(outcome: number): boolean {
  return outcome <= LOST;
}

/** What is fixed of a transition's effect. */
interface Effect {
  readonly moves: readonly (readonly [slot: number, before: number, after: number])[];
  /** Where in the pool the channels begin that it sends into; 0 if it sends nothing. */
  readonly sends: number;
  /** Bits of the step properties that it breaks. */
  readonly broken: number;
}

export class Transitions {
  count = 0;
  component = new Int32Array(256);
  channel = new Int32Array(256);
  rest = new Int32Array(256);
  message = new Int32Array(256);
  outcome = new Int32Array(256);
  broken = new Int32Array(256);
  /** By transition: see Effect. */
  sends = new Int32Array(256);
  /** By transition, layout.words each: to XOR onto a packed state. */
  delta = new Int32Array(256);
  /** By transition: to XOR onto the state's hash (stateHash.ts). */
  hash = new Int32Array(256);
  /** By transition: 1 if it leads to the state it starts from. */
  isLoop = new Uint8Array(256);
  readonly #moves: Effect["moves"][] = [];
  readonly #stateHash: StateHash;
  #layout: Layout | null = null;

  constructor(stateHash: StateHash) {
    this.#stateHash = stateHash;
  }

  add({ component, channel, rest, message, outcome }: Transition, effect: Effect): number {
    const number = this.count++;
    if (number === this.component.length) this.#grow();
    this.component[number] = component;
    this.channel[number] = channel;
    this.rest[number] = rest;
    this.message[number] = message;
    this.outcome[number] = outcome;
    this.sends[number] = effect.sends;
    this.broken[number] = effect.broken;
    const moves = effect.moves.filter(([, before, after]) => before !== after);
    this.hash[number] = moves.reduce((hash, [slot, before, after]) => {
      return hash ^ this.#stateHash.change(slot, before, after);
    }, 0);
    this.isLoop[number] = moves.length === 0 && effect.sends === 0 ? 1 : 0;
    this.#moves.push(moves);
    if (this.#layout !== null) this.#compile(number, this.#layout);
    return number;
  }

  at(number: number): Transition {
    return {
      component: wordAt(this.component, number),
      channel: wordAt(this.channel, number),
      rest: wordAt(this.rest, number),
      message: wordAt(this.message, number),
      outcome: wordAt(this.outcome, number),
    };
  }

  /** Works the words out for a layout. */
  use(layout: Layout): void {
    this.#layout = layout;
    this.delta = new Int32Array(this.component.length * layout.words);
    for (let number = 0; number < this.count; number++) this.#compile(number, layout);
  }

  #compile(number: number, layout: Layout): void {
    const from = number * layout.words;
    for (const [slot, before, after] of itemAt(this.#moves, number)) {
      // A slot that the layout does not have yet: it will be replaced before this is used.
      if (slot >= layout.slots) continue;
      this.delta[from + wordAt(layout.word, slot)]! ^=
        (before ^ after) << wordAt(layout.shift, slot);
    }
  }

  #grow(): void {
    const room = 2 * this.component.length;
    this.component = grown(this.component, room);
    this.channel = grown(this.channel, room);
    this.rest = grown(this.rest, room);
    this.message = grown(this.message, room);
    this.outcome = grown(this.outcome, room);
    this.sends = grown(this.sends, room);
    this.broken = grown(this.broken, room);
    this.hash = grown(this.hash, room);
    this.delta = grown(this.delta, room * (this.#layout?.words ?? 1));
    const isLoop = new Uint8Array(room);
    isLoop.set(this.isLoop);
    this.isLoop = isLoop;
  }
}
