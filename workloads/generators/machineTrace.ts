/** Plays the trace of a whole machine: its accesses, what its processor translated and flushed, and its time. */

import { UserError } from "../../src/errors.ts";
import type { WordArray } from "../../src/hardware/part.ts";
import { Flushed, TracedPaging } from "../../src/hardware/tracedPaging.ts";
import { type ByteSource, sourceOf } from "../../src/io/byteSource.ts";
import { byteAt, itemAt, numberAt, numbers, wordAt } from "../../src/lookup.ts";
import { EventType } from "../trace/events.ts";
import { TraceReader } from "../trace/reader.ts";
import type { RunBlock } from "../trace/runs.ts";
import { damageNote, scanTrace, type TraceScan } from "../trace/scan.ts";
import type { Workload } from "../workload.ts";
import type { Pace } from "./generator.ts";

/** Position: block, run within it, accesses of that run already played, event within the block. */
const At = { block: 0, run: 1, used: 2, event: 3 } as const;
/** The pace: cycles before each access, cycles before the next one, what division has left. */
const PaceAt = { gap: 0, lead: 1, rest: 2 } as const;
const LEAD_MAX = 2 ** 30;

export class MachineTracePlayer implements Workload {
  readonly name: string;
  readonly pages: number;
  readonly guestPhysical = true;
  readonly endless = false;
  readonly traced = new TracedPaging();
  /** One sentence for the user, if there is something that he should know. */
  warning: string | undefined;
  /** CRC-32 of the whole: tells whether two runs played the same. */
  readonly digest: number;
  readonly #file: string | ByteSource;
  readonly #scan: TraceScan;
  readonly #extraGap: number;
  readonly #limit: number;
  readonly #made = numbers(1);
  readonly #position = numbers(4);
  readonly #pace = numbers(3);
  #loaded = -1;
  #block: RunBlock | undefined;

  /**
   * @param file a trace of a machine: its name, or its bytes
   * @param pages of guest-physical memory; default: as many as the trace names
   * @throws UserError if it cannot be read, or holds no accesses
   */
  constructor(name: string, pace: Pace, file: string | ByteSource, pages?: number) {
    const scan = scanTrace(file, "compact");
    this.warning = damageNote(scan);
    if (scan.accesses === 0) throw new UserError(this.warning ?? `${scan.path}: holds no accesses`);
    this.name = name;
    this.pages = Math.max(pages ?? 0, scan.linearPages);
    this.digest = scan.digest;
    this.#file = file;
    this.#scan = scan;
    this.#extraGap = pace.gap;
    this.#limit = Math.min(scan.accesses, pace.accesses ?? Infinity);
  }

  /** Of a recording that is in memory. */
  static source(name: string, trace: Uint8Array): ByteSource {
    return sourceOf(name, Buffer.from(trace.buffer, trace.byteOffset, trace.byteLength));
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
      ...this.traced.arrays(),
    };
  }

  fill(block: Int32Array): number {
    const position = this.#position;
    const most = Math.min(block.length, this.#limit - this.#made[0]);
    this.#pace[PaceAt.lead] = 0;
    let done = 0;
    while (done < most) {
      const runs = this.#current();
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

  #happens(type: number, a: number, b: number): void {
    const { traced } = this;
    const pace = this.#pace;
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
    }
  }

  #wait(cycles: number): void {
    this.#pace[PaceAt.lead] = Math.min(LEAD_MAX, this.lead + cycles);
  }

  /** The block of the present position; undefined at the end. */
  #current(): RunBlock | undefined {
    const index = this.#position[At.block];
    if (index >= this.#scan.blocks) return undefined;
    if (this.#loaded === index) return this.#block;
    const reader = new TraceReader(this.#file);
    try {
      reader.seek(itemAt(this.#scan.offsets, index), index + 1);
      const block = reader.next();
      if (block === undefined || reader.blockChecksum !== this.#scan.checksums[index]) {
        throw new UserError(`${this.#scan.path}: changed while it was played (block ${index + 1})`);
      }
      this.#block = block;
      this.#loaded = index;
      return block;
    } finally {
      reader.close();
    }
  }
}
