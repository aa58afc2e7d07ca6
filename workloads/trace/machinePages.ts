/** Checks what a machine's trace says of its pages, and counts them: a file may be made to harm. */

import { UserError } from "../../src/errors.ts";
import {
  LINEAR_PAGES,
  PHYSICAL_PAGES,
  TRANSLATION_PAGE_SHIFT,
  Translation,
} from "../../src/hardware/tracedPaging.ts";
import { byteAt, numberAt, wordAt } from "../../src/lookup.ts";
import { EventType } from "./events.ts";
import type { RunBlock } from "./runs.ts";

/** 4 GiB of guest-physical memory. */
const PAGES_MAX = 1 << 20;
const TRANSLATIONS_MAX = 2 ** 31;

export class MachinePages {
  /** Guest-physical pages up to the highest that is named. */
  pages = 0;
  readonly #path: string;
  readonly #translated = new Uint8Array(LINEAR_PAGES);

  /** @param path of the file, for messages */
  constructor(path: string) {
    this.#path = path;
  }

  /** @throws UserError if a page is out of range, or accessed before it was translated */
  check({ pages, count, events }: RunBlock): void {
    let event = 0;
    for (let run = 0; run <= count; run++) {
      while (event < events.count && wordAt(events.at, event) <= run) {
        this.#event(
          byteAt(events.types, event),
          numberAt(events.a, event),
          numberAt(events.b, event),
        );
        event++;
      }
      if (run < count) this.#access(numberAt(pages, run));
    }
  }

  #event(type: number, a: number, b: number): void {
    switch (type) {
      case EventType.translation:
        if (a >= LINEAR_PAGES || b >= TRANSLATIONS_MAX) throw this.#wrong(`linear page ${a}`);
        this.#physical(Math.floor(b / 2 ** TRANSLATION_PAGE_SHIFT));
        this.#translated[a] = b & Translation.valid;
        return;
      case EventType.table:
        if (a >= LINEAR_PAGES >> 10) throw this.#wrong(`page table ${a}`);
        this.#physical(b);
        return;
      case EventType.loadRoot:
      case EventType.flushAll:
        this.#physical(a);
        return;
      case EventType.flushPage:
        if (a >= LINEAR_PAGES) throw this.#wrong(`linear page ${a}`);
        return;
      case EventType.deviceWrite:
        this.#physical(a + b - 1);
        return;
      default:
    }
  }

  #access(page: number): void {
    if (page >= PHYSICAL_PAGES) this.#physical(page - PHYSICAL_PAGES);
    else if (this.#translated[page] === 0) {
      throw this.#wrong(`linear page ${page}, which is not translated`);
    }
  }

  #physical(page: number): void {
    if (page >= PAGES_MAX) throw this.#wrong(`guest-physical page ${page}`);
    if (page >= this.pages) this.pages = page + 1;
  }

  #wrong(what: string): UserError {
    return new UserError(`${this.#path}: no machine's trace: it names ${what}`);
  }
}
