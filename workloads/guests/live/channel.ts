/**
 * What a live guest's thread and the thread of its run share: a ring of blocks of the guest's stream, and what is typed
 * on its console. Each waits for the other where it has to: the guest for a block that is free, the run for one that is
 * filled.
 *
 * Which accesses are in which block follows from the guest alone. And what is typed while the run is at a block is seen
 * by the guest from the block on that comes SLOTS later, which it cannot have begun: so the threads' own pace decides
 * nothing.
 */
import { wordAt } from "../../../src/lookup.ts";
import { Place } from "../../trace/bufferParts.ts";
import { RunBlock } from "../../trace/runs.ts";
import { PAGE_BYTES } from "../tap/notes.ts";

/** Blocks that the guest may be ahead of its run. */
export const SLOTS = 16;
/** Runs of a block: some 40,000 instructions of a Linux. */
export const BLOCK_RUNS = 1 << 14;
export const BLOCK_EVENTS = 1 << 11;
/** Of text that is printed in a block. */
export const BLOCK_TEXT = 1 << 12;
/** Words of all that is typed: a byte each, and two before each piece. */
const TYPED_WORDS = 1 << 16;

/** A piece of a guest's stream, and what it prints meanwhile. */
export class LiveBlock extends RunBlock {
  readonly text: Uint8Array;
  textBytes = 0;

  constructor(place: Place = new Place()) {
    super(BLOCK_RUNS, BLOCK_EVENTS, place);
    this.text = place.bytes(BLOCK_TEXT);
  }

  clear(): void {
    this.count = 0;
    this.events.count = 0;
    this.textBytes = 0;
  }

  /** Takes over another's contents. */
  take(other: LiveBlock): void {
    const { count, events, textBytes } = other;
    this.count = count;
    this.pages.set(other.pages.subarray(0, count));
    this.kinds.set(other.kinds.subarray(0, count));
    this.lengths.set(other.lengths.subarray(0, count));
    this.events.count = events.count;
    for (const part of ["at", "types", "a", "b"] as const) {
      this.events[part].set(events[part].subarray(0, events.count));
    }
    this.textBytes = textBytes;
    this.text.set(other.text.subarray(0, textBytes));
  }
}

/** What somebody types on a guest's console: the guest sees it from that block on. */
export interface TypedText {
  readonly block: number;
  readonly bytes: readonly number[];
}

/** Words that both threads change and wait for. */
const At = {
  /** Blocks that were filled since the guest's beginning. */
  filled: 0,
  /** Those that the run needs no more. */
  released: 1,
  /** 1 + the number of blocks of the whole stream, once it is known that there are no more. */
  end: 2,
  /** Words of what was typed. */
  typed: 3,
  /** Changes with whatever the guest may wait for. */
  call: 4,
  /** What the run wants to know of the guest, as Ask; 0: nothing. */
  asked: 5,
  /** Pages that it asks for. */
  pages: 6,
} as const;
const CONTROL_WORDS = 7;

/** In place of what is asked: there is no guest. */
const GONE = -1;

/** What a run asks of a guest between two steps. */
export const Ask = {
  /** The bytes of some pages. */
  pages: 1,
  /** The state of its machine, which comes by the port; its memory apart. */
  state: 2,
} as const;
/** Pages that are asked for at a time. */
export const ASKED_PAGES = 256;
/** Of a slot, beside its block: runs, events, bytes of text. */
const COUNT_WORDS = 3;

/** The shared memory, as either thread sees it. */
export class Channel {
  readonly buffer: SharedArrayBuffer;
  readonly #control: Int32Array;
  readonly #typed: Int32Array;
  readonly #counts: Int32Array;
  readonly #slots: readonly LiveBlock[];
  /** Pages that are asked for, and their bytes. */
  readonly askedPages: Int32Array;
  readonly answeredBytes: Uint8Array;
  #typedRead = 0;

  /** @param buffer of the other thread's channel; default: a new one */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(channelBytes())) {
    this.buffer = buffer;
    const place = new Place(buffer);
    this.#control = place.words(CONTROL_WORDS);
    this.#typed = place.words(TYPED_WORDS);
    this.#counts = place.words(COUNT_WORDS * SLOTS);
    this.askedPages = place.words(ASKED_PAGES);
    this.answeredBytes = place.bytes(ASKED_PAGES * PAGE_BYTES);
    this.#slots = Array.from({ length: SLOTS }, () => new LiveBlock(place));
  }

  /** The stream begins with this block. To be called before there is another thread. */
  beginAt(block: number): void {
    this.#control[At.filled] = block;
    this.#control[At.released] = block;
  }

  /** The guest: waits until a block may be filled. It is the guest's until publish. */
  free(index: number): LiveBlock {
    const control = this.#control;
    for (;;) {
      const call = Atomics.load(control, At.call);
      if (index - Atomics.load(control, At.released) < SLOTS) break;
      // Who asks does not go on, and what he asks of is not there before the step is over.
      if (Atomics.load(control, At.asked) !== 0) {
        throw new Error("a step of its machine fills more blocks than are kept ready");
      }
      Atomics.wait(control, At.call, call);
    }
    const slot = this.#slot(index);
    slot.clear();
    return slot;
  }

  /** The guest, between two steps: answers until the run comes to a block. @param answer is to do what is asked */
  standBy(index: number, answer: (what: number, pages: Int32Array) => void): void {
    const control = this.#control;
    for (;;) {
      const call = Atomics.load(control, At.call);
      const asked = Atomics.load(control, At.asked);
      if (asked !== 0) {
        answer(asked, this.askedPages.subarray(0, Atomics.load(control, At.pages)));
        Atomics.compareExchange(control, At.asked, asked, 0);
        Atomics.notify(control, At.asked);
      } else if (Atomics.load(control, At.released) >= index) return;
      else Atomics.wait(control, At.call, call);
    }
  }

  /** The run: waits for what it asks. False if there is no guest any more. */
  ask(what: number, pages: readonly number[] = []): boolean {
    const control = this.#control;
    this.askedPages.set(pages);
    Atomics.store(control, At.pages, pages.length);
    if (Atomics.compareExchange(control, At.asked, 0, what) !== 0) return false;
    this.#call();
    Atomics.wait(control, At.asked, what);
    return Atomics.load(control, At.asked) === 0;
  }

  /** The guest will never answer. */
  hangUp(): void {
    Atomics.store(this.#control, At.asked, GONE);
    Atomics.notify(this.#control, At.asked);
  }

  /** The guest: a block is filled. */
  publish(index: number): void {
    const { count, events, textBytes } = this.#slot(index);
    this.#counts.set([count, events.count, textBytes], COUNT_WORDS * (index % SLOTS));
    Atomics.store(this.#control, At.filled, index + 1);
    Atomics.notify(this.#control, At.filled);
  }

  /** The guest: there are so many blocks, and no more. */
  end(blocks: number): void {
    if (Atomics.compareExchange(this.#control, At.end, 0, blocks + 1) !== 0) return;
    // Whoever waits waits for this word.
    Atomics.add(this.#control, At.filled, 1);
    Atomics.notify(this.#control, At.filled);
  }

  /** Blocks that the guest has filled so far. */
  get filled(): number {
    return Atomics.load(this.#control, At.filled);
  }

  /** The guest: what has been typed for the blocks up to this one, since the last time. */
  typedUpTo(block: number): readonly (readonly number[])[] {
    const found: number[][] = [];
    const end = Atomics.load(this.#control, At.typed);
    while (this.#typedRead < end && wordAt(this.#typed, this.#typedRead) <= block) {
      const from = this.#typedRead + 2;
      const to = from + wordAt(this.#typed, this.#typedRead + 1);
      found.push(Array.from(this.#typed.subarray(from, to)));
      this.#typedRead = to;
    }
    return found;
  }

  /** The run: waits for a block, copies it, and gives those before it free; false if the stream has ended before it. */
  take(index: number, into: LiveBlock): boolean {
    const control = this.#control;
    Atomics.store(control, At.released, index);
    this.#call();
    for (;;) {
      const filled = Atomics.load(control, At.filled);
      const end = Atomics.load(control, At.end);
      if (end !== 0 && index >= end - 1) return false;
      if (filled > index) break;
      Atomics.wait(control, At.filled, filled);
    }
    const slot = this.#slot(index);
    const [count = 0, events = 0, textBytes = 0] = this.#counts.subarray(
      COUNT_WORDS * (index % SLOTS),
    );
    slot.count = count;
    slot.events.count = events;
    slot.textBytes = textBytes;
    into.take(slot);
    return true;
  }

  /** The run: somebody types. False if there is no more room. */
  type({ block, bytes }: TypedText): boolean {
    const at = Atomics.load(this.#control, At.typed);
    const end = at + 2 + bytes.length;
    if (end > TYPED_WORDS) return false;
    this.#typed.set([block, bytes.length, ...bytes], at);
    Atomics.store(this.#control, At.typed, end);
    return true;
  }

  /** The guest may have waited for what has changed. */
  #call(): void {
    Atomics.add(this.#control, At.call, 1);
    Atomics.notify(this.#control, At.call);
  }

  #slot(index: number): LiveBlock {
    const slot = this.#slots[index % SLOTS];
    if (slot === undefined) throw new Error(`there is no slot for block ${index}`);
    return slot;
  }
}

/** More than its arrays take. */
function channelBytes(): number {
  const control = 4 * (CONTROL_WORDS + TYPED_WORDS + COUNT_WORDS * SLOTS);
  const block = 13 * BLOCK_RUNS + 21 * BLOCK_EVENTS + BLOCK_TEXT;
  const answers = ASKED_PAGES * (4 + PAGE_BYTES);
  return control + answers + SLOTS * (block + 64);
}
