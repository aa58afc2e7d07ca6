/**
 * From what the tap of a machine notes to the stream of its guest: accesses with their linear pages, translations,
 * flushes and time.
 *
 * The tap gives each run of accesses the linear page that the machine translated last. Mostly that is the page that is
 * accessed. Where it is not, one of these has accessed:
 * - the machine's walker, on the way to a translation: records of it come right before the one that a translation was
 *   stored. What it reads, a walk of the emulated processor reads too; what it writes (A and D) has no linear page.
 * - an instruction of two operands, or the fetch of one that is interpreted: its page was translated before.
 */

import {
  LINEAR_PAGES,
  PHYSICAL_PAGES,
  TABLE_BITS,
  TRANSLATION_PAGE_SHIFT,
  Translation,
} from "../../../src/hardware/tracedPaging.ts";
import { itemAt, numberAt, wordAt } from "../../../src/lookup.ts";
import { EventType } from "../../trace/events.ts";
import { RUN_LENGTH_MAX } from "../../trace/format.ts";
import { CONTROL, MAPPED } from "../tap/machineNotes.ts";
import { READ } from "../tap/memoryOpcodes.ts";
import { KIND_BITS } from "../tap/notes.ts";
import { Flush } from "./v86.ts";

/** Where the stream goes: runs, and what happens between them. */
export interface MachineSink {
  run(page: number, kind: number, length: number): void;
  event(type: number, a: number, b?: number): void;
}

/** Bits of an entry of the table of translations (v86, src/rust/cpu/cpu.rs, TLB_VALID and the following). */
const Entry = { valid: 1, readOnly: 2, inMappedRange: 8, global: 16 } as const;
const PAGE_MASK = ~0xfff;
const RECORD_WORDS = 3;
/** Records whose linear page is not known yet. A walk has at most four. */
const PENDING_MAX = 8;
/** Runs of one pace at most. */
const SEGMENT_MAX = 1 << 16;

/** Counts of a stream, for those who doubt it. */
export interface StreamCounts {
  accesses: number;
  /** Of those without a linear page. */
  physical: number;
  flushes: number;
  translations: number;
}

export class MachineStream {
  readonly counts: StreamCounts;
  readonly #sink: MachineSink;
  readonly #ramPages: number;
  #ramFirst = 0;
  /** By linear page, as TracedPaging has them. */
  readonly #translations = new Int32Array(LINEAR_PAGES);
  readonly #tables = new Int32Array(LINEAR_PAGES >> TABLE_BITS);
  /** By guest-physical page: 1 + the linear page that was translated to it last. */
  readonly #linearOf: Int32Array;
  #root = 0;
  /** Pairs of key and count, and their common linear page. */
  readonly #pending = new Float64Array(2 * PENDING_MAX);
  #pendingCount = 0;
  #pendingLinear = -1;
  /** The page table of the last walk, or -1. */
  #walkedTable = -1;
  /** The runs of the present pace: page << 2 | kind, and length. */
  readonly #words = new Int32Array(SEGMENT_MAX);
  readonly #lengths = new Float64Array(SEGMENT_MAX);
  #runs = 0;
  #accesses = 0;
  /** Events between the runs of the present pace. */
  #events: [at: number, type: number, a: number, b: number][] = [];
  #lastInstructions = 0;
  #lastIdle = 0;

  /** @param memoryBytes of the guest; @param counts that go on */
  constructor(
    sink: MachineSink,
    memoryBytes: number,
    counts: StreamCounts = { accesses: 0, physical: 0, flushes: 0, translations: 0 },
  ) {
    this.counts = counts;
    this.#sink = sink;
    this.#ramPages = memoryBytes / 4096;
    this.#linearOf = new Int32Array(this.#ramPages);
  }

  /**
   * The machine is there: the guest's memory begins at this address of it.
   * @param again whether another machine was there before it: what that one's processor has cached is gone
   */
  begin(ramFirst: number, root: number, instructions: number, idle: number, again = false): void {
    this.#ramFirst = ramFirst;
    this.#root = root >>> 12;
    this.#lastInstructions = instructions;
    this.#lastIdle = idle;
    this.#happens(again ? EventType.flushAll : EventType.loadRoot, this.#root, 0);
  }

  /** Takes records from the ring. */
  take(words: Int32Array, count: number): void {
    for (let i = 0; i < count; i += RECORD_WORDS) {
      const linear = wordAt(words, i) >>> 2;
      const key = wordAt(words, i + 1);
      const value = wordAt(words, i + 2);
      if ((key & 3) !== CONTROL) this.#access(linear, key, value >>> 0);
      else if (key >>> KIND_BITS === MAPPED) this.#mapped(linear, value);
      else this.#flushed(key >>> KIND_BITS, wordAt(words, i));
    }
  }

  /** A device has written. */
  deviceWrote(address: number, bytes: number): void {
    const first = address >>> 12;
    const last = Math.min(this.#ramPages - 1, (address + bytes - 1) >>> 12);
    this.#resolve();
    if (bytes > 0 && last >= first) this.#happens(EventType.deviceWrite, first, last - first + 1);
  }

  /** The time is this: what has been noted since the last time took what has passed. In instructions, those of idling apart. */
  time(instructions: number, idle: number): void {
    this.#resolve();
    const passed = instructions - this.#lastInstructions;
    const idled = idle - this.#lastIdle;
    this.#lastInstructions = instructions;
    this.#lastIdle = idle;
    const sink = this.#sink;
    if (passed > 0 || this.#runs > 0) sink.event(EventType.pace, passed, this.#accesses);
    let event = 0;
    for (let run = 0; run <= this.#runs; run++) {
      while (event < this.#events.length && itemAt(this.#events, event)[0] <= run) {
        const [, type, a, b] = itemAt(this.#events, event++);
        sink.event(type, a, b);
      }
      if (run === this.#runs) break;
      const word = wordAt(this.#words, run);
      for (let left = numberAt(this.#lengths, run); left > 0; left -= RUN_LENGTH_MAX) {
        sink.run(word >>> 2, word & 3, Math.min(left, RUN_LENGTH_MAX));
      }
    }
    if (idled > 0) sink.event(EventType.idle, idled);
    this.counts.accesses += this.#accesses;
    this.#runs = 0;
    this.#accesses = 0;
    this.#events = [];
  }

  /** Whether there is room for what a full ring holds. */
  get isFull(): boolean {
    return this.#runs > SEGMENT_MAX / 2;
  }

  #access(linear: number, key: number, count: number): void {
    const page = key >>> KIND_BITS;
    // A restored machine goes on with the instruction that it was at, without a look at its translations.
    const translation = linear < LINEAR_PAGES ? wordAt(this.#translations, linear) : 0;
    if (
      (translation & Translation.valid) !== 0 &&
      translation >>> TRANSLATION_PAGE_SHIFT === page
    ) {
      if (this.#pendingCount > 0) this.#resolve();
      this.#run(linear, key & 3, count);
      return;
    }
    if (linear !== this.#pendingLinear || this.#pendingCount === PENDING_MAX) this.#resolve();
    this.#pendingLinear = linear;
    this.#pending[2 * this.#pendingCount] = key;
    this.#pending[2 * this.#pendingCount + 1] = count;
    this.#pendingCount++;
  }

  /**
   * Whether the machine has walked to this linear page right before: it read the root, and then, if the page is not
   * a large one, a table. What is pending is then disposed of.
   */
  #walked(linear: number): boolean {
    const pageAt = (i: number): number => numberAt(this.#pending, 2 * i) >>> KIND_BITS;
    const isRead = (i: number): boolean => (numberAt(this.#pending, 2 * i) & 3) === READ;
    let first = this.#pendingLinear === linear ? this.#pendingCount - 1 : -1;
    while (first >= 0 && !(isRead(first) && pageAt(first) === this.#root)) first--;
    const end = this.#pendingCount;
    this.#resolve(first < 0 ? end : first);
    this.#walkedTable = -1;
    for (let i = Math.max(0, first); i < end && first >= 0; i++) {
      if (!isRead(i))
        this.#physical(
          pageAt(i),
          numberAt(this.#pending, 2 * i) & 3,
          numberAt(this.#pending, 2 * i + 1),
        );
      else if (i > first) this.#walkedTable = pageAt(i);
    }
    return first >= 0;
  }

  /** What is pending was not the walker's, up to an end. Nothing is pending afterwards. */
  #resolve(end = this.#pendingCount): void {
    for (let i = 0; i < end; i++) {
      const key = numberAt(this.#pending, 2 * i);
      const page = key >>> KIND_BITS;
      const linear = wordAt(this.#linearOf, page) - 1;
      const isCached =
        linear >= 0 && wordAt(this.#translations, linear) >>> TRANSLATION_PAGE_SHIFT === page;
      const count = numberAt(this.#pending, 2 * i + 1);
      if (isCached) this.#run(linear, key & 3, count);
      else this.#physical(page, key & 3, count);
    }
    this.#pendingCount = 0;
  }

  #physical(page: number, kind: number, count: number): void {
    this.counts.physical += count;
    this.#run(PHYSICAL_PAGES + page, kind, count);
  }

  /** The machine's own table has an entry for a linear page from now on, or none if it is 0. */
  #mapped(linear: number, entry: number): void {
    if ((entry & Entry.valid) === 0) {
      this.#resolve();
      this.#happens(EventType.flushPage, linear, 0);
      return;
    }
    const hasWalked = this.#walked(linear);
    const table = hasWalked ? this.#walkedTable : -1;
    if ((entry & Entry.inMappedRange) !== 0) return;
    const page = (((entry & PAGE_MASK) ^ (linear << 12)) - this.#ramFirst) >>> 12;
    if (page >= this.#ramPages) return;
    this.#linearOf[page] = 1 + linear;
    const directory = linear >>> TABLE_BITS;
    if (table >= 0 && this.#tables[directory] !== table) {
      this.#tables[directory] = table;
      this.#happens(EventType.table, directory, table);
    }
    const translation =
      (page << TRANSLATION_PAGE_SHIFT) |
      Translation.valid |
      ((entry & Entry.readOnly) === 0 ? Translation.writable : 0) |
      ((entry & Entry.global) === 0 ? 0 : Translation.global) |
      (hasWalked ? Translation.directory : 0) |
      (table >= 0 ? Translation.table : 0);
    if (this.#translations[linear] === translation) return;
    // An entry that is stored again without a walk says no less than before.
    const before = wordAt(this.#translations, linear);
    const kept = Translation.directory | Translation.table;
    if (!hasWalked && ((before ^ translation) & ~kept) === 0) return;
    this.#translations[linear] = translation;
    this.counts.translations++;
    this.#happens(EventType.translation, linear, translation);
  }

  #flushed(code: number, root: number): void {
    this.#resolve();
    this.#root = root >>> 12;
    this.counts.flushes++;
    this.#happens(
      code === Flush.notGlobal ? EventType.loadRoot : EventType.flushAll,
      this.#root,
      0,
    );
  }

  #run(page: number, kind: number, count: number): void {
    const word = (page << 2) | kind;
    this.#accesses += count;
    const last = this.#runs - 1;
    const events = this.#events;
    const isInterrupted = events.length > 0 && itemAt(events, events.length - 1)[0] > last;
    if (last >= 0 && !isInterrupted && this.#words[last] === word) {
      this.#lengths[last] = numberAt(this.#lengths, last) + count;
      return;
    }
    this.#words[this.#runs] = word;
    this.#lengths[this.#runs] = count;
    this.#runs++;
  }

  #happens(type: number, a: number, b: number): void {
    this.#events.push([this.#runs, type, a, b]);
  }
}
