/** Plays the stream of a guest that runs beside the emulator. */
import { createHash } from "node:crypto";
import type { WordArray } from "../../src/hardware/part.ts";
import type { TracedPaging } from "../../src/hardware/tracedPaging.ts";
import { wordAt } from "../../src/lookup.ts";
import { ASKED_PAGES, type LiveBlock, SLOTS, type TypedText } from "../guests/live/channel.ts";
import { type Done, type LiveGuest, LiveStream, type Move } from "../guests/live/liveStream.ts";
import { PAGE_BYTES } from "../guests/tap/notes.ts";
import type { GuestConsole, GuestMachine } from "../workload.ts";
import type { Pace } from "./generator.ts";
import { StreamPlayer } from "./streamPlayer.ts";

/** Of a move: its block, and the two halves of a number of 48 bits. */
const MOVE_WORDS = 3;
const HALF = 2 ** 24;

/** How the state of a guest without its memory is stored. */
export interface StateCoding<State> {
  readonly encode: (state: State) => Uint8Array;
  /** With a memory; undefined if the bytes are no such state. */
  readonly decode: (stored: Uint8Array, memory: Uint8Array) => State | undefined;
}

export abstract class LivePlayer<Order, State> extends StreamPlayer {
  /** Tells whether two runs play the same guest: it follows from all that the guest follows from. */
  abstract readonly digest: number;
  readonly #stream: LiveStream<Order, State>;
  /** What was typed so far: of each piece its block, its length and its bytes. The list follows from the words. */
  #words = new Int32Array(0);
  /** Its moves: of each the block, and the number of the state in two halves. */
  #moves = new Int32Array(0);
  #done: Done | undefined;
  #loaded = -1;
  #block: LiveBlock | undefined;

  constructor(name: string, pace: Pace, guest: LiveGuest<Order, State>, traced?: TracedPaging) {
    super(name, pace, traced);
    this.#stream = new LiveStream(guest);
  }

  override arrays(): Record<string, WordArray> {
    return { ...super.arrays(), typed: this.#words, moves: this.#moves };
  }

  resize({ typed = 0, moves = 0 }: Readonly<Record<string, number>>): void {
    this.#words = new Int32Array(typed);
    this.#moves = new Int32Array(moves);
    this.#done = undefined;
    this.#loaded = -1;
  }

  saving(): void {
    this.#stream.remember();
  }

  /** Its console at the present moment of the emulator's time. */
  get console(): GuestConsole {
    return {
      shown: (most) => this.#stream.printed.upTo(this.playing, most),
      exitCode: this.#stream.end?.exitCode,
    };
  }

  protected override blockAt(index: number): LiveBlock | undefined {
    if (this.#loaded !== index) {
      this.#block = this.#stream.block(index, this.#doneSoFar());
      this.#loaded = index;
    }
    return this.#block;
  }

  /** Somebody types: the guest sees it as soon as it can, in a block that it has not begun. */
  protected typeNow(bytes: Uint8Array): void {
    const words = [this.playing + SLOTS, bytes.length, ...bytes];
    this.#words = Int32Array.from([...this.#words, ...words]);
    this.#changed();
  }

  /** Its machine, as who moves it sees it. */
  protected machineOf({ encode, decode }: StateCoding<State>): GuestMachine {
    return {
      read: (pages) => this.#read(pages),
      finishStep: (visit) => this.finish(visit),
      suspend: () => encode(this.#whole().suspend()),
      resume: (stored, memory) => {
        const state = decode(stored, memory);
        if (state === undefined)
          throw new Error("a machine is to go on from no state of a machine");
        this.#moveIn(state, moveNumber(stored, memory));
      },
      adopt: (stored, memory) => {
        const state = decode(stored, memory);
        return state !== undefined && this.#adopt(state, moveNumber(stored, memory));
      },
    };
  }

  /** The bytes of some pages at the end of the step under way. */
  #read(pages: readonly number[]): Uint8Array {
    const whole = this.#whole();
    if (pages.length <= ASKED_PAGES) return whole.read(pages);
    const bytes = new Uint8Array(PAGE_BYTES * pages.length);
    for (let i = 0; i < pages.length; i += ASKED_PAGES) {
      bytes.set(whole.read(pages.slice(i, i + ASKED_PAGES)), PAGE_BYTES * i);
    }
    return bytes;
  }

  /** What follows is what its machine does in this state. @param number that follows from the state */
  #moveIn(state: State, number: number): void {
    this.leaveBlock();
    this.#stream.keepMoved(number, state);
    const halves = [Math.floor(number / HALF), number % HALF];
    this.#moves = Int32Array.from([...this.#moves, this.playing, ...halves]);
    this.#changed();
  }

  /**
   * The state that it was moved in last, where another process has stored it.
   * @param number that follows from the state
   * @returns whether it was moved in that one
   */
  #adopt(state: State, number: number): boolean {
    if (this.#movesSoFar().at(-1)?.state !== number) return false;
    this.#stream.keepMoved(number, state);
    return true;
  }

  #whole(): ReturnType<LiveStream<Order, State>["wholeAt"]> {
    this.blockAt(this.playing);
    const whole = this.#stream.wholeAt(this.playing, this.#doneSoFar());
    this.#loaded = -1;
    return whole;
  }

  #changed(): void {
    this.#done = undefined;
    this.#loaded = -1;
  }

  #doneSoFar(): Done {
    this.#done ??= { typed: this.#typedSoFar(), moves: this.#movesSoFar() };
    return this.#done;
  }

  #movesSoFar(): readonly Move[] {
    return Array.from({ length: this.#moves.length / MOVE_WORDS }, (_, move) => {
      const [block = 0, high = 0, low = 0] = this.#moves.subarray(MOVE_WORDS * move);
      return { block, state: high * HALF + low };
    });
  }

  #typedSoFar(): readonly TypedText[] {
    const typed: TypedText[] = [];
    for (let at = 0; at < this.#words.length; ) {
      const bytes = this.#words.slice(at + 2, at + 2 + wordAt(this.#words, at + 1));
      typed.push({ block: wordAt(this.#words, at), bytes: Array.from(bytes) });
      at += 2 + bytes.length;
    }
    return typed;
  }
}

/** A number of 48 bits that follows from where a guest goes on. */
function moveNumber(state: Uint8Array, memory: Uint8Array): number {
  return createHash("sha256").update(state).update(memory).digest().readUIntBE(0, 6);
}

/** A digest of hexadecimal digits, as a number of 32 bits. */
export function digestNumber(digest: string): number {
  return Number.parseInt(digest.slice(0, 8), 16);
}
