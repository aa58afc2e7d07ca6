/**
 * From what a plugin of QEMU has noted of a whole guest to a machine's trace: translations, flushes and time between the
 * accesses.
 *
 * A machine's trace has 2^20 linear pages (tracedPaging.ts), and a guest of 64 bits 2^52: they are numbered by first use.
 * Not noted are tables, page sizes and rights, so each page is one of 4 KiB, may be written, and a walk reads no table.
 * Linux maps its half of the addresses by global pages (arch/x86/include/asm/pgtable_types.h, PAGE_KERNEL), unless it
 * isolates its page tables; so pages of the upper half are taken to stay when CR3 is loaded.
 */
import { UserError } from "../../src/errors.ts";
import {
  LINEAR_PAGES,
  TRANSLATION_PAGE_SHIFT,
  Translation,
} from "../../src/hardware/tracedPaging.ts";
import { itemAt, numberAt, wordAt } from "../../src/lookup.ts";
import type { Accesses } from "./accesses.ts";
import { EventType } from "./events.ts";
import { TRACE_PAGES_MAX } from "./format.ts";
import { createRelocation } from "./relocate.ts";

/** Linear pages of the upper half of all addresses (SDM vol. 1 3.3.7.1). */
const UPPER_HALF = TRACE_PAGES_MAX / 2;
/** Runs of one pace at most. */
const SEGMENT_MAX = 1 << 16;

export class PluginMachine {
  readonly #accesses: Accesses;
  readonly #linear = createRelocation("compact");
  /** By number of a linear page, as TracedPaging has them; 0 before the first. */
  readonly #translations = new Int32Array(LINEAR_PAGES);
  /** The runs since the last time: page << 2 | kind, and count. */
  readonly #words = new Int32Array(SEGMENT_MAX);
  readonly #counts = new Float64Array(SEGMENT_MAX);
  #runs = 0;
  #noted = 0;
  /** Events between these runs. */
  #events: [at: number, type: number, a: number, b: number][] = [];

  constructor(accesses: Accesses) {
    this.#accesses = accesses;
  }

  /**
   * A linear page is translated to a guest-physical one from here on.
   * @returns the number of the linear page. @throws UserError if they are too many
   */
  translate(linear: number, physical: number): number {
    const page = this.#linear.linearPage(linear);
    if (page >= LINEAR_PAGES) {
      throw new UserError(
        `more than ${LINEAR_PAGES} linear pages; note less of the guest, or take its physical pages alone: --gpa`,
      );
    }
    const translation =
      (physical << TRANSLATION_PAGE_SHIFT) |
      Translation.valid |
      Translation.writable |
      Translation.table |
      (linear >= UPPER_HALF ? Translation.global : 0);
    const before = wordAt(this.#translations, page);
    if (before === translation) return page;
    this.#translations[page] = translation;
    // Which page INVLPG was given is not noted; that it was this one follows from what it is translated to now.
    if (before !== 0) this.#happens(EventType.flushPage, page, 0);
    this.#happens(EventType.translation, page, translation);
    return page;
  }

  /** @param page as translate() numbers it */
  run(page: number, kind: number, count: number): void {
    if (this.#runs === SEGMENT_MAX) this.time(this.#noted);
    this.#words[this.#runs] = (page << 2) | kind;
    this.#counts[this.#runs++] = count;
    this.#noted += count;
  }

  /** @param all whether of global translations, too */
  flush(all: boolean): void {
    this.#happens(all ? EventType.flushAll : EventType.loadRoot, 0, 0);
  }

  /** What has come since the last time took so many instructions. */
  time(instructions: number): void {
    const accesses = this.#accesses;
    if (instructions > 0 || this.#noted > 0)
      accesses.event(EventType.pace, instructions, this.#noted);
    let event = 0;
    for (let run = 0; run <= this.#runs; run++) {
      while (event < this.#events.length && itemAt(this.#events, event)[0] <= run) {
        const [, type, a, b] = itemAt(this.#events, event++);
        accesses.event(type, a, b);
      }
      if (run === this.#runs) break;
      const word = wordAt(this.#words, run);
      accesses.pages(word >>> 2, word & 3, numberAt(this.#counts, run));
    }
    this.#runs = 0;
    this.#noted = 0;
    this.#events = [];
  }

  #happens(type: number, a: number, b: number): void {
    this.#events.push([this.#runs, type, a, b]);
  }
}
