/**
 * The stream of a live guest, block by block: pulled from its thread, or from what is kept of it, or by running the guest
 * again from a state that it was in before. Which of these it is nobody can tell from the blocks.
 */
import { UserError } from "../../../src/errors.ts";
import { LiveBlock, SLOTS, type TypedText } from "./channel.ts";
import { ConsoleLog } from "./consoleLog.ts";
import { type GuestEnd, type GuestState, GuestThread } from "./guestThread.ts";
import { KeptStates } from "./keptStates.ts";
import { PastBlocks } from "./pastBlocks.ts";

/** What is kept of the blocks: 100 million accesses, about. */
const PAST_BYTES = 64 << 20;

/** States of moves that are kept for whoever goes back; of a Linux each has all of its memory. */
const MOVED_MAX = 4;

/** From this block on the guest goes on in another machine. */
export interface Move {
  readonly block: number;
  /** Which state that one was given: a number that follows from it. */
  readonly state: number;
}

/** What was done to a guest from outside. */
export interface Done {
  readonly typed: readonly TypedText[];
  readonly moves: readonly Move[];
}

export const NOTHING_DONE: Done = { typed: [], moves: [] };

/** How the guest is run from its beginning, or from a state. */
export interface LiveGuest<Order, State> {
  readonly name: string;
  /** The module of its thread. */
  readonly script: string;
  /** Whether it can be looked at after its end. */
  readonly remains?: boolean;
  /** @param state undefined: from the beginning */
  order(state: State | undefined): Order;
}

export class LiveStream<Order, State> {
  readonly #guest: LiveGuest<Order, State>;
  readonly #past = new PastBlocks(PAST_BYTES);
  readonly #states = new KeptStates<State>();
  #thread: GuestThread<Order, State> | undefined;
  /** The block that the thread gives next. */
  #next = 0;
  /** What was done in what is known of the stream. */
  #done: Done = NOTHING_DONE;
  /** States that it was moved in, by their numbers. */
  readonly #moved = new Map<number, State>();
  /** The block that was asked for last. */
  readonly #block = new LiveBlock();
  #index = -1;
  /** Its number of blocks, and how it has ended, once that is known. */
  #end: { readonly blocks: number; readonly how: GuestEnd } | undefined;
  #remembers = false;
  /** What it has printed in all blocks that are known. */
  readonly printed = new ConsoleLog();

  constructor(guest: LiveGuest<Order, State>) {
    this.#guest = guest;
  }

  /** From now on somebody may go back. */
  remember(): void {
    this.#remembers = true;
    if (this.#index >= 0) this.#past.add(this.#index, this.#block);
  }

  /**
   * A block; undefined behind the last one. It is valid until the next call.
   * @param done all that was done so far
   * @throws UserError, one line, if the guest cannot go on
   */
  block(index: number, done: Done): LiveBlock | undefined {
    this.#agree(index, done);
    if (this.#index === index) return this.#block;
    if (this.#end !== undefined && index >= this.#end.blocks) return undefined;
    this.#index = -1;
    if (!this.#past.get(index, this.#block) && !this.#pull(index)) return undefined;
    this.#index = index;
    return this.#block;
  }

  /**
   * The guest's thread, between two steps: at the end of that which a block is of, or at the guest's own end.
   * @param index of the block that was asked for last
   */
  wholeAt(index: number, done: Done): Pick<GuestThread<Order, State>, "read" | "suspend"> {
    this.#agree(index, done);
    const last = this.#end === undefined ? index : Math.min(index, this.#end.blocks - 1);
    if (this.#thread === undefined || this.#next !== last + 1) {
      this.#begin(last);
      this.#index = -1;
      this.#pull(index);
    }
    if (this.#thread === undefined) throw new UserError(`${this.#guest.name}: has ended`);
    return this.#thread;
  }

  /** The guest may be moved in this state. @param number that follows from it */
  keepMoved(number: number, state: State): void {
    this.#moved.delete(number);
    this.#moved.set(number, state);
    const most = this.#remembers ? MOVED_MAX : 1;
    for (const oldest of this.#moved.keys()) {
      if (this.#moved.size <= most) break;
      this.#moved.delete(oldest);
    }
  }

  /** How the guest has ended, once it is known that it has. */
  get end(): GuestEnd | undefined {
    return this.#end?.how;
  }

  /** Runs the guest up to a block. */
  #pull(index: number): boolean {
    if (this.#thread === undefined || index < this.#next) this.#begin(index);
    const thread = this.#thread;
    while (thread !== undefined && this.#next <= index) {
      if (!thread.take(this.#next, this.#block)) {
        this.#end = { blocks: this.#next, how: thread.end ?? { exitCode: undefined } };
        if (!this.#guest.remains) this.#stop();
        return false;
      }
      if (this.#remembers) this.#past.add(this.#next, this.#block);
      this.printed.add(this.#next, this.#block);
      this.#next++;
    }
    return true;
  }

  /** A new thread, from the last state at or before a block. */
  #begin(index: number): void {
    this.#stop();
    const { name, script } = this.#guest;
    const from = this.#latest(index);
    this.#next = from?.block ?? 0;
    const order = this.#guest.order(from?.state);
    const typed = this.#done.typed.filter(({ block }) => block >= this.#next);
    const onState = (state: GuestState<State>): void => {
      if (this.#remembers) this.#states.add(state);
    };
    this.#thread = new GuestThread({ script, name, order, first: this.#next, typed }, onState);
  }

  /** The last state at or before a block; undefined: the beginning. */
  #latest(index: number): GuestState<State> | undefined {
    const kept = this.#states.before(index);
    const move = this.#done.moves.findLast(({ block }) => block <= index);
    if (move === undefined || (kept !== undefined && kept.block > move.block)) return kept;
    const state = this.#moved.get(move.state);
    if (state === undefined) {
      throw new UserError(`${this.#guest.name}: the state that it was moved in is kept no more`);
    }
    return { block: move.block, state };
  }

  #stop(): void {
    this.#thread?.close();
    this.#thread = undefined;
  }

  /** What is known of the stream up to a block is what follows from what was typed. */
  #agree(index: number, done: Done): void {
    this.#agreeOnMoves(index, done);
    const { typed } = done;
    const known = this.#done.typed;
    let same = 0;
    while (same < known.length && same < typed.length && isSame(known[same], typed[same])) same++;
    const [other, more] = [known[same], typed[same]];
    const first = Math.min(other?.block ?? Infinity, more?.block ?? Infinity);
    // What differs later may never come to matter: somebody has gone back, and goes on as before.
    if (first === Infinity || (other !== undefined && first > index)) return;
    const thread = this.#thread;
    if (other === undefined && thread !== undefined && first >= this.#next - 1 + SLOTS) {
      // The guest cannot have begun it.
      for (const text of typed.slice(same)) thread.type(text);
    } else this.#forget(first);
    this.#done = { ...this.#done, typed: [...typed] };
  }

  #agreeOnMoves(index: number, { moves }: Done): void {
    const known = this.#done.moves;
    let same = 0;
    while (same < known.length && same < moves.length && isSameMove(known[same], moves[same]))
      same++;
    const [other, more] = [known[same], moves[same]];
    const first = Math.min(other?.block ?? Infinity, more?.block ?? Infinity);
    if (first === Infinity || (other !== undefined && first > index)) return;
    this.#forget(first);
    this.#done = { ...this.#done, moves: [...moves] };
  }

  /** From this block on it is another stream. */
  #forget(block: number): void {
    if (this.#end !== undefined && block >= this.#end.blocks) return;
    this.#stop();
    this.#end = undefined;
    this.printed.forgetFrom(block);
    if (this.#index >= block) this.#index = -1;
    this.#past.forgetFrom(block);
    this.#states.forgetAfter(block);
  }
}

function isSameMove(one: Move | undefined, other: Move | undefined): boolean {
  return one?.block === other?.block && one?.state === other?.state;
}

function isSame(one: TypedText | undefined, other: TypedText | undefined): boolean {
  if (one === other) return true;
  return one?.block === other?.block && one?.bytes.join() === other?.bytes.join();
}
