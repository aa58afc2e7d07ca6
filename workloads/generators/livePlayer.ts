/** Plays the stream of a guest that runs beside the emulator. */

import type { WordArray } from "../../src/hardware/part.ts";
import type { TracedPaging } from "../../src/hardware/tracedPaging.ts";
import { wordAt } from "../../src/lookup.ts";
import { type LiveBlock, SLOTS, type TypedText } from "../guests/live/channel.ts";
import { type LiveGuest, LiveStream } from "../guests/live/liveStream.ts";
import type { GuestConsole } from "../workload.ts";
import type { Pace } from "./generator.ts";
import { StreamPlayer } from "./streamPlayer.ts";

export abstract class LivePlayer<Order, State> extends StreamPlayer {
  /** Tells whether two runs play the same guest: it follows from all that the guest follows from. */
  abstract readonly digest: number;
  readonly #stream: LiveStream<Order, State>;
  /** What was typed so far: of each piece its block, its length and its bytes. The list follows from the words. */
  #words = new Int32Array(0);
  #typed: readonly TypedText[] | undefined = [];
  #loaded = -1;
  #block: LiveBlock | undefined;

  constructor(name: string, pace: Pace, guest: LiveGuest<Order, State>, traced?: TracedPaging) {
    super(name, pace, traced);
    this.#stream = new LiveStream(guest);
  }

  override arrays(): Record<string, WordArray> {
    return { ...super.arrays(), typed: this.#words };
  }

  resize({ typed = 0 }: Readonly<Record<string, number>>): void {
    this.#words = new Int32Array(typed);
    this.#typed = undefined;
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
      this.#block = this.#stream.block(index, this.#typedSoFar());
      this.#loaded = index;
    }
    return this.#block;
  }

  /** Somebody types: the guest sees it as soon as it can, in a block that it has not begun. */
  protected typeNow(bytes: Uint8Array): void {
    const words = [this.playing + SLOTS, bytes.length, ...bytes];
    this.#words = Int32Array.from([...this.#words, ...words]);
    this.#typed = undefined;
    this.#loaded = -1;
  }

  #typedSoFar(): readonly TypedText[] {
    if (this.#typed !== undefined) return this.#typed;
    const typed: TypedText[] = [];
    for (let at = 0; at < this.#words.length; ) {
      const bytes = this.#words.slice(at + 2, at + 2 + wordAt(this.#words, at + 1));
      typed.push({ block: wordAt(this.#words, at), bytes: Array.from(bytes) });
      at += 2 + bytes.length;
    }
    this.#typed = typed;
    return typed;
  }
}

/** A digest of hexadecimal digits, as a number of 32 bits. */
export function digestNumber(digest: string): number {
  return Number.parseInt(digest.slice(0, 8), 16);
}
