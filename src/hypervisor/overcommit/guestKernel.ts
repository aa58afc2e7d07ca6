/**
 * Which pages a guest's kernel gives away when it has to, for its balloon or for a page of its own: first
 * such as its programs never used, then victims among the others. The clock is second chance (Corbato
 * 1968), what Linux's inactive list and Windows' working-set trimming come down to: the accessed flags are those that the
 * processor set in the guest's own page tables. A guest without paging has none and chooses at random.
 */

import type { Random } from "../../../workloads/random.ts";
import { findLeaf, frameAt } from "../../hardware/ept.ts";
import { GUEST_ACCESSED, GUEST_DIRTY } from "../../hardware/guestEntry.ts";
import { wasTouched } from "../../hardware/guestPages.ts";
import { pageOfWords } from "../../hardware/words.ts";
import { present, wordAt } from "../../lookup.ts";
import { Hand, type PagedVm, PageState, type VmMemory } from "./vmMemory.ts";

export const GUEST_RULES = ["clock", "random"] as const;
export type GuestRule = (typeof GUEST_RULES)[number];

/** Draws before a random choice goes on page by page. */
const DRAWS = 64;

export class GuestKernel {
  readonly #memory: VmMemory;
  readonly #rule: GuestRule;
  readonly #random: Random;
  /** Word of the first leaf in each of the guest's lowest tables; empty without paging. */
  readonly #leaves: Int32Array;

  constructor(memory: VmMemory, rule: GuestRule, random: Random) {
    this.#memory = memory;
    this.#rule = rule;
    this.#random = random;
    this.#leaves = leafTables(memory.vm);
  }

  /**
   * The next page to give away, or -1 if there is none.
   * @param pinned says which pages the kernel is busy with
   */
  choose(pinned: (page: number) => boolean): number {
    const free = this.#nextFree(pinned);
    if (free >= 0) return free;
    return this.#rule === "clock" ? this.#nextByClock(pinned) : this.#nextAtRandom(pinned);
  }

  /** Whether a page has changed since the kernel last read it from its swap. It must believe so without paging. */
  isDirty(page: number): boolean {
    return this.#leaves.length === 0 || (this.#leaf(page) & GUEST_DIRTY) !== 0;
  }

  /** The kernel maps a page that it has read from its swap: clean, and young as Linux maps it (vm_page_prot). */
  mapped(page: number, fromSwap: boolean): void {
    if (this.#leaves.length === 0) return;
    const { words } = this.#memory.vm.ept.memory;
    const word = this.#word(page);
    const low = wordAt(words, word) | GUEST_ACCESSED;
    words[word] = fromSwap ? low & ~GUEST_DIRTY : low;
  }

  /** Once its programs have used a page they keep it, so the search never goes back. */
  #nextFree(pinned: (page: number) => boolean): number {
    const { hands, vm } = this.#memory;
    for (let page = hands[Hand.free]; page >= 0; page--) {
      hands[Hand.free] = page;
      if (this.#isHeld(page) && !wasTouched(vm.guest, page) && !pinned(page)) return page;
    }
    return -1;
  }

  #nextByClock(pinned: (page: number) => boolean): number {
    const { hands, vm } = this.#memory;
    // After one turn every flag is clear, so the second finds a page if there is one.
    for (let step = 0; step < 2 * vm.pages; step++) {
      const page = hands[Hand.clock];
      hands[Hand.clock] = (page + 1) % vm.pages;
      if (!this.#isHeld(page) || pinned(page)) continue;
      if (!this.#testAndClearAccessed(page)) return page;
    }
    return -1;
  }

  #nextAtRandom(pinned: (page: number) => boolean): number {
    const { pages } = this.#memory.vm;
    const fits = (page: number): boolean => this.#isHeld(page) && !pinned(page);
    return randomPage(this.#random, pages, fits);
  }

  #isHeld(page: number): boolean {
    const state = wordAt(this.#memory.states, page);
    return state === PageState.resident || state === PageState.hostSwapped;
  }

  #testAndClearAccessed(page: number): boolean {
    const { words } = this.#memory.vm.ept.memory;
    const word = this.#word(page);
    const low = wordAt(words, word);
    words[word] = low & ~GUEST_ACCESSED;
    return (low & GUEST_ACCESSED) !== 0;
  }

  #leaf(page: number): number {
    return wordAt(this.#memory.vm.ept.memory.words, this.#word(page));
  }

  #word(page: number): number {
    const { indexBits } = this.#memory.vm.ept.geometry;
    return wordAt(this.#leaves, page >>> indexBits) + 2 * (page & ((1 << indexBits) - 1));
  }
}

/** A page that fits, each as likely while many do; -1 if none does. */
export function randomPage(random: Random, pages: number, fits: (page: number) => boolean): number {
  for (let draw = 0; draw < DRAWS; draw++) {
    const page = random.below(pages);
    if (fits(page)) return page;
  }
  const first = random.below(pages);
  for (let step = 0; step < pages; step++) {
    const page = (first + step) % pages;
    if (fits(page)) return page;
  }
  return -1;
}

/** Where the guest's lowest tables are in host memory. They never move. */
function leafTables({ ept, tables, paging, pages }: PagedVm): Int32Array {
  if (tables === null) return new Int32Array(0);
  const { memory, geometry } = ept;
  const levels = paging === "pae" ? 3 : geometry.guestLevels;
  const frameOf = (page: number): number => {
    const { word } = present(findLeaf(ept, page), "the leaf of a guest's table");
    return frameAt(ept, word);
  };
  const perTable = 2 ** geometry.indexBits;
  return Int32Array.from({ length: Math.ceil(pages / perTable) }, (_, region) => {
    let frame = frameOf(tables.rootPage);
    for (let level = levels; level > 1; level--) {
      const span = perTable ** (level - 1);
      const index = Math.floor((region * perTable) / span) % perTable;
      const word = frame * memory.frameWords + 2 * index;
      frame = frameOf(pageOfWords(wordAt(memory.words, word), wordAt(memory.words, word + 1)));
    }
    return frame * memory.frameWords;
  });
}
