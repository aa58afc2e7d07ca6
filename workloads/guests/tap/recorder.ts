/**
 * Takes the runs of a tapped module. They go to a ring in the memory of a small module of its own, by a call from
 * WebAssembly to WebAssembly; JavaScript is called when the ring is full.
 */

import { UserError } from "../../../src/errors.ts";
import { wordAt } from "../../../src/lookup.ts";
import { RUN_LENGTH_MAX } from "../../trace/format.ts";
import type { RunSink } from "../../trace/runs.ts";
import type { WasmGlobal, WasmInstance } from "../webAssembly.ts";
import type { READ, WRITE } from "./memoryOpcodes.ts";
import { KIND_BITS, PAGE_BYTES, ROUNDS, ROUNDS_LEFT, WORD_SHIFT } from "./notes.ts";
import { FLUSH } from "./rewriter.ts";
import { createRing, type Ring } from "./ring.ts";

/** A run in the ring: its page and kind, and its length. */
const RUN_WORDS = 2;
/** Rounds of loops and calls without any access, after which nobody expects one. */
const IDLE_ROUNDS_MAX = 2 ** 32;

/** How far a guest may go. */
export interface GuestLimits {
  /** Accesses, the host's among them. */
  readonly accesses: number;
}

/**
 * A step of a guest is over: all that it has done to its memory was noted, and has gone to the sink. It ends at a round, for in
 * the midst of an access its memory has what is noted only after it.
 */
export type StepOver = () => void;

/** Why a guest was ended. */
export class GuestStopped extends UserError {}

export class Recorder {
  /** Accesses so far that have left the ring, and of those the ones that the host has made. */
  accesses = 0;
  hostAccesses = 0;
  /** What a tapped module imports. */
  readonly imports: Readonly<Record<string, unknown>>;
  readonly #sink: RunSink;
  readonly #limits: GuestLimits;
  readonly #ring: Ring;
  readonly #stepOver: StepOver | undefined;
  #flushGuest: () => void = () => {};
  #roundsLeft: WasmGlobal | undefined;
  /** The run that was read last: the next one may belong to it. */
  #key = -1;
  #length = 0;
  #rounds = 0;
  #accessesAtRound = 0;
  #stopped: GuestStopped | undefined;

  /**
   * @param sink takes the runs, in order: pages of 4 KiB of the guest's memory
   * @param stepOver is told after each step; undefined: there are none
   */
  constructor(sink: RunSink, limits: GuestLimits, stepOver?: StepOver) {
    this.#sink = sink;
    this.#limits = limits;
    this.#stepOver = stepOver;
    this.#ring = createRing(RUN_WORDS, {
      full: (words) => {
        // So that a step is of some thousand runs at most.
        if (this.#stepOver !== undefined && this.#roundsLeft !== undefined)
          this.#roundsLeft.value = 1;
        return this.#drain(words);
      },
      spent: () => this.#spent(),
      refused: () => this.#stop("asks for more memory than it may have"),
    });
    const { put, spent, refused } = this.#ring;
    this.imports = { put, spent, refused };
  }

  /** From now on the runs of this instance belong to it. */
  attach({ exports }: WasmInstance): void {
    const flush = exports[FLUSH];
    if (typeof flush !== "function") throw new Error(`a tapped module has no function "${FLUSH}"`);
    this.#flushGuest = () => flush();
    const rounds = exports[ROUNDS_LEFT];
    if (!isGlobal(rounds)) throw new Error(`a tapped module has no global "${ROUNDS_LEFT}"`);
    this.#roundsLeft = rounds;
  }

  /** An access of the host's to the guest's memory: as many as there are words. */
  host(address: number, bytes: number, kind: typeof READ | typeof WRITE): void {
    if (bytes === 0) return;
    this.#flushGuest();
    let at = address;
    const end = address + bytes;
    while (at < end) {
      const pageEnd = Math.min(end, at - (at % PAGE_BYTES) + PAGE_BYTES);
      const words =
        Math.floor((pageEnd - 1) / 2 ** WORD_SHIFT) - Math.floor(at / 2 ** WORD_SHIFT) + 1;
      this.hostAccesses += words;
      this.#ring.put((Math.floor(at / PAGE_BYTES) << KIND_BITS) | kind, words);
      at = pageEnd;
    }
  }

  /** Accesses so far, to the last. */
  count(): number {
    this.#flushGuest();
    this.#drain(this.#ring.take());
    return this.accesses;
  }

  /** Hands everything on. @throws GuestStopped if it has gone too far */
  finish(): void {
    this.#handOver();
    this.refuseStopped();
  }

  /** @throws GuestStopped if it was ended: what the guest has thrown since then is of no interest */
  refuseStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  /** All that was noted goes to the sink, also what the next access might have belonged to. */
  #handOver(): void {
    this.count();
    this.#run(this.#key, this.#length);
    this.#length = 0;
  }

  /** Whether the guest has to trap now, as a number. */
  #drain(words: number): number {
    if (this.#stopped !== undefined) return 1;
    const ring = this.#ring.words;
    let key = this.#key;
    let length = this.#length;
    let made = 0;
    for (let i = 0; i < words; i += RUN_WORDS) {
      const next = wordAt(ring, i);
      // Unsigned: a run may have 2^32 - 1 accesses.
      const more = wordAt(ring, i + 1) >>> 0;
      made += more;
      if (next === key) {
        length += more;
      } else {
        this.#run(key, length);
        key = next;
        length = more;
      }
    }
    this.#key = key;
    this.#length = length;
    this.accesses += made;
    if (this.accesses > this.#limits.accesses) {
      const limit = this.#limits.accesses.toLocaleString("en-US");
      return this.#stop(`still runs after ${limit} accesses, which is its limit`);
    }
    return 0;
  }

  #run(key: number, length: number): void {
    for (let left = length; left > 0; left -= RUN_LENGTH_MAX) {
      this.#sink.run(key >>> KIND_BITS, key & 3, Math.min(left, RUN_LENGTH_MAX));
    }
  }

  #spent(): number {
    const made = this.accesses + this.#ring.bytes();
    if (made !== this.#accessesAtRound) this.#rounds = 0;
    this.#accessesAtRound = made;
    this.#rounds += ROUNDS;
    if (this.#rounds > IDLE_ROUNDS_MAX) this.#stop("loops for ever, without an access to memory");
    if (this.#stepOver !== undefined && this.#stopped === undefined) {
      this.#handOver();
      this.#stepOver();
    }
    return this.#stopped === undefined ? 0 : 1;
  }

  /** Ends the guest: it traps, for a trap passes through all that catches exceptions in WebAssembly. */
  #stop(reason: string): number {
    this.#stopped ??= new GuestStopped(reason);
    return 1;
  }
}

function isGlobal(value: unknown): value is WasmGlobal {
  return typeof value === "object" && value !== null && "value" in value;
}
