/**
 * Plays a stream of blocks: runs of accesses, and what happens between them. The blocks are a trace's, or come from a
 * guest that runs beside.
 */

import type { WordArray } from "../../src/hardware/part.ts";
import { Flushed, type TracedPaging } from "../../src/hardware/tracedPaging.ts";
import { byteAt, numberAt, numbers, wordAt } from "../../src/lookup.ts";
import { EventType } from "../trace/events.ts";
import type { RunBlock } from "../trace/runs.ts";
import type { Workload } from "../workload.ts";
import type { Pace } from "./generator.ts";

/** Position: block, run within it, accesses of that run already played, event within the block. */
const At = { block: 0, run: 1, used: 2, event: 3 } as const;
/** The pace: cycles before each access, cycles before the next one, what division has left. */
const PaceAt = { gap: 0, lead: 1, rest: 2 } as const;
const LEAD_MAX = 2 ** 30;

export abstract class StreamPlayer implements Workload {
  readonly name: string;
  abstract readonly pages: number;
  abstract readonly guestPhysical: boolean;
  abstract readonly endless: boolean;
  readonly traced: TracedPaging | undefined;
  readonly #extraGap: number;
  readonly #limit: number;
  readonly #made = numbers(1);
  readonly #position = numbers(4);
  readonly #pace = numbers(3);

  /** @param traced the guest's own paging, if its stream has it */
  constructor(name: string, pace: Pace, traced?: TracedPaging) {
    this.name = name;
    this.traced = traced;
    this.#extraGap = pace.gap;
    this.#limit = pace.accesses ?? Infinity;
  }

  get gap(): number {
    return this.#pace[PaceAt.gap] + this.#extraGap;
  }

  get lead(): number {
    return this.#pace[PaceAt.lead];
  }

  arrays(): Record<string, WordArray> {
    return {
      made: this.#made,
      position: this.#position,
      pace: this.#pace,
      ...this.traced?.arrays(),
    };
  }

  fill(block: Int32Array): number {
    const position = this.#position;
    const most = Math.min(block.length, this.#limit - this.#made[0]);
    this.#pace[PaceAt.lead] = 0;
    let done = 0;
    while (done < most) {
      const runs = this.blockAt(position[At.block]);
      if (runs === undefined) break;
      const { pages, kinds, lengths, events, count } = runs;
      const [run, used, event] = [position[At.run], position[At.used], position[At.event]];
      if (used === 0 && event < events.count && wordAt(events.at, event) <= run) {
        // What changes translations, the TLB or the pace is done between two blocks of accesses.
        if (done > 0) break;
        this.#happens(
          byteAt(events.types, event),
          numberAt(events.a, event),
          numberAt(events.b, event),
        );
        position[At.event] = event + 1;
        continue;
      }
      if (run === count) {
        position.set([position[At.block] + 1, 0, 0, 0]);
        continue;
      }
      const word = (numberAt(pages, run) << 2) | byteAt(kinds, run);
      const end = Math.min(most, done + wordAt(lengths, run) - used);
      const taken = end - done;
      while (done < end) block[done++] = word;
      if (used + taken === lengths[run]) {
        position[At.run] = run + 1;
        position[At.used] = 0;
      } else position[At.used] = used + taken;
    }
    this.#made[0] = this.#made[0] + done;
    return done;
  }

  /**
   * The rest of the step that the guest's machine is at, as if it was done; without one that is noted, all of the stream.
   * @param visit takes the accesses, packed as in fill()
   */
  protected finish(visit: (word: number) => void): void {
    const position = this.#position;
    for (;;) {
      const runs = this.blockAt(position[At.block]);
      if (runs === undefined) return;
      const { pages, kinds, lengths, events, count } = runs;
      const [run, used, event] = [position[At.run], position[At.used], position[At.event]];
      if (used === 0 && event < events.count && wordAt(events.at, event) <= run) {
        const type = byteAt(events.types, event);
        position[At.event] = event + 1;
        if (type === EventType.whole) return;
        this.#happens(type, numberAt(events.a, event), numberAt(events.b, event));
      } else if (run === count) position.set([position[At.block] + 1, 0, 0, 0]);
      else {
        visit((numberAt(pages, run) << 2) | byteAt(kinds, run));
        this.#made[0] = this.#made[0] + wordAt(lengths, run) - used;
        position[At.run] = run + 1;
        position[At.used] = 0;
      }
    }
  }

  /** What follows is another stream, which begins with the next block. */
  protected leaveBlock(): void {
    const position = this.#position;
    const isBegun = position[At.run] + position[At.used] + position[At.event] > 0;
    position.set([position[At.block] + (isBegun ? 1 : 0), 0, 0, 0]);
  }

  /** Accesses made so far. */
  protected get made(): number {
    return this.#made[0];
  }

  /** The block of the stream that is being played. */
  protected get playing(): number {
    return this.#position[At.block];
  }

  /** A block of the stream; undefined behind the last one. It is valid until the next call. */
  protected abstract blockAt(index: number): RunBlock | undefined;

  #happens(type: number, a: number, b: number): void {
    const pace = this.#pace;
    switch (type) {
      case EventType.idle:
        this.#wait(a);
        return;
      case EventType.pace: {
        // An instruction a cycle; one that accesses memory is the access.
        const other = Math.max(0, a - b) + pace[PaceAt.rest];
        if (b === 0) {
          this.#wait(other);
          pace[PaceAt.rest] = 0;
          return;
        }
        pace[PaceAt.gap] = Math.floor(other / b);
        pace[PaceAt.rest] = other % b;
        return;
      }
      default:
        if (this.traced !== undefined) happened(this.traced, type, a, b);
    }
  }

  #wait(cycles: number): void {
    this.#pace[PaceAt.lead] = Math.min(LEAD_MAX, this.lead + cycles);
  }
}

/** What the guest's processor translated and flushed, and its devices wrote. */
function happened(traced: TracedPaging, type: number, a: number, b: number): void {
  switch (type) {
    case EventType.translation:
      traced.translations[a] = b;
      return;
    case EventType.table:
      traced.tables[a] = b;
      return;
    case EventType.loadRoot:
    case EventType.flushAll:
      traced.state[0] = a;
      traced.flush(type === EventType.flushAll ? Flushed.all : Flushed.notGlobal);
      return;
    case EventType.flushPage:
      traced.flush(a);
      return;
    case EventType.deviceWrite:
      traced.deviceWrites(a, b);
      return;
    default:
  }
}
