/**
 * The paging of a guest whose stream says what its own processor translated: a real operating system that ran
 * elsewhere. Its tables have no bytes here. Known are, of each linear page, the guest-physical page and the rights that
 * its processor cached last, and the tables through which a walk goes: page directory and page table, as 32-bit paging
 * has them (SDM vol. 3A 4.3). So a walk accesses what the guest's processor accessed.
 *
 * Linear pages have 20 bits. What the guest's processor accesses without a linear address, as its walker does when it
 * sets A and D, has as its number PHYSICAL_PAGES and the guest-physical page; it is translated by the EPT alone.
 */
import { wordAt } from "../lookup.ts";
import type { WordArray } from "./part.ts";

export const LINEAR_PAGES = 1 << 20;
/** Numbers from here on are guest-physical pages. */
export const PHYSICAL_PAGES = LINEAR_PAGES;
/** Bits of a translation, below the guest-physical page. */
export const Translation = {
  valid: 1,
  writable: 2,
  /** Stays when CR3 is loaded (SDM vol. 3A 4.10.2.4). */
  global: 4,
  /** A walk reads the page directory; else paging is off. */
  directory: 8,
  /** And a page table; else the page is one of 4 MiB. Without a directory: a page of 4 KiB whose tables are not known. */
  table: 16,
} as const;
export const TRANSLATION_PAGE_SHIFT = 5;
/** What is to be flushed: a linear page, or one of these. */
export const Flushed = { all: -1, notGlobal: -2 } as const;

/** log2 of the pages that a page table, and a page of 4 MiB, maps. */
export const TABLE_BITS = 10;
const PENDING_MAX = 64;

/** The guest-physical page of what an access of the stream names. */
export function physicalPage({ translations }: TracedPaging, page: number): number {
  if (page >= PHYSICAL_PAGES) return page - PHYSICAL_PAGES;
  return wordAt(translations, page) >>> TRANSLATION_PAGE_SHIFT;
}

/** The words are those of a workload, which saves them with its own. */
export class TracedPaging {
  /** By linear page: the guest-physical page, and bits of Translation; 0 if nothing was translated yet. */
  readonly translations = new Int32Array(LINEAR_PAGES);
  /** By linear page >> 10: the page table, guest-physical. */
  readonly tables = new Int32Array(LINEAR_PAGES >> TABLE_BITS);
  /** [0]: the page directory, guest-physical; [1]: flushes that are due; [2]: whether devices have written. */
  readonly state = new Int32Array(3);
  /** What is to be flushed before the next access. */
  readonly pending = new Int32Array(PENDING_MAX);

  /** One bit a guest-physical page: what devices have written since the last access. */
  readonly written = new Int32Array(LINEAR_PAGES >> 5);

  arrays(): Readonly<Record<string, WordArray>> {
    const { translations, tables, state, pending, written } = this;
    return { translations, tables, root: state, pending, written };
  }

  /** A device writes to these guest-physical pages. */
  deviceWrites(first: number, pages: number): void {
    for (let page = first; page < first + pages; page++) {
      this.written[page >>> 5] = this.written[page >>> 5]! | (1 << (page & 31));
    }
    this.state[2] = 1;
  }

  /** What devices have written since the last time, in order. */
  takeDeviceWrites(visit: (page: number) => void): void {
    if (this.state[2] === 0) return;
    this.state[2] = 0;
    for (const [word, bits] of this.written.entries()) {
      for (let rest = bits; rest !== 0; rest &= rest - 1) {
        visit(32 * word + 31 - Math.clz32(rest & -rest));
      }
    }
    this.written.fill(0);
  }

  /** @param what a linear page, or one of Flushed */
  flush(what: number): void {
    const due = this.state[1]!;
    if (due === PENDING_MAX) {
      // A processor may drop more than it is asked to (SDM vol. 3A 4.10.4.2).
      this.pending[0] = Flushed.all;
      this.state[1] = 1;
      return;
    }
    this.pending[due] = what;
    this.state[1] = due + 1;
  }
}
