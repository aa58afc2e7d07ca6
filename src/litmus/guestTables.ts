/** Builds a guest's paging structures, as its operating system would: none of this is tracked. */

import {
  GUEST_ACCESSED,
  GUEST_DIRTY,
  GUEST_LARGE,
  GUEST_NO_EXECUTE_HIGH,
  GUEST_PRESENT,
  GUEST_USER,
  GUEST_WRITE,
} from "../hardware/guestEntry.ts";
import type { HostMemory } from "../hardware/memory.ts";
import type { GuestPagingName } from "../hardware/vmcs.ts";
import { highWord, lowWord, pageOfWords } from "../hardware/words.ts";
import { wordAt } from "../lookup.ts";
import type { Path } from "./entryPath.ts";
import { applyFlags, type FlagBits } from "./flagText.ts";
import { LitmusProblem } from "./problem.ts";
import type { GuestItem } from "./setupSchema.ts";
import { PAGE_SIZES } from "./setupSchema.ts";

export const GUEST_FLAGS: FlagBits = { accessed: GUEST_ACCESSED, dirty: GUEST_DIRTY };
const PAE_LEVELS = 2;
const PDPTES = 4;
const PDPTE_LEVEL = 3;

export class GuestTables {
  readonly paging: GuestPagingName;
  /** First guest-physical page of the structures; the top one is there. */
  readonly root: number;
  /** Guest-physical pages of the structures in use, and the frames that hold their bytes. */
  readonly frames: Map<number, number>;
  readonly #memory: HostMemory;
  readonly #indexBits: number;
  /** Whether structures may be in other frames than those given. */
  readonly #mayGrow: boolean;
  /** Levels below the root, or below the PDPTEs of a PAE guest. */
  readonly #levels: number;
  #next: number;

  constructor(
    memory: HostMemory,
    shape: { readonly indexBits: number; readonly guestLevels: number },
    paging: GuestPagingName,
    root: number,
    frames: Map<number, number>,
    mayGrow = true,
  ) {
    this.#mayGrow = mayGrow;
    this.paging = paging;
    this.root = root;
    this.frames = frames;
    this.#memory = memory;
    this.#indexBits = shape.indexBits;
    this.#levels = paging === "pae" ? PAE_LEVELS : shape.guestLevels;
    this.#next = root;
    if (paging !== "off") this.#newTable();
  }

  /** Guest-physical pages that the structures occupy. */
  get pages(): number[] {
    const pages = [];
    for (let page = this.root; page < this.#next; page++) pages.push(page);
    return pages;
  }

  #newTable(): number {
    const page = this.#next++;
    if (!this.frames.has(page)) {
      if (!this.#mayGrow) {
        const message = `without EPT at most ${this.frames.size} paging structures`;
        throw new LitmusProblem(["guest"], message);
      }
      this.frames.set(page, this.#memory.allocate());
    }
    return page;
  }

  #word(page: number, index: number): number {
    return (this.frames.get(page) ?? 0) * this.#memory.frameWords + 2 * index;
  }

  #index(linearPage: number, level: number): number {
    return modulo(
      Math.floor(linearPage / 2 ** ((level - 1) * this.#indexBits)),
      1 << this.#indexBits,
    );
  }

  /** Word of PDPTE i of a PAE guest. */
  pdpteWord(i: number): number {
    return this.#word(this.root, i);
  }

  /** The entries that translate a linear page, the top level first; a PDPTE is not among them. */
  path(linearPage: number): Path {
    const path: Path = [];
    const { words } = this.#memory;
    let table = this.root;
    if (this.paging === "off") return path;
    if (this.paging === "pae") {
      const word = this.#pdpteOf(linearPage);
      if ((wordAt(words, word) & GUEST_PRESENT) === 0) return path;
      table = pageOfWords(wordAt(words, word), wordAt(words, word + 1));
    }
    for (let level = this.#levels; level >= 1 && this.frames.has(table); level--) {
      const word = this.#word(table, this.#index(linearPage, level));
      path.push({ word, level });
      const low = wordAt(words, word);
      if ((low & GUEST_PRESENT) === 0 || (level <= 3 && (low & GUEST_LARGE) !== 0)) break;
      table = pageOfWords(low, wordAt(words, word + 1));
    }
    return path;
  }

  /** The guest-physical page of a linear page, or -1. */
  resolve(linearPage: number): number {
    if (this.paging === "off") return linearPage;
    const leaf = this.path(linearPage).at(-1);
    if (leaf === undefined) return -1;
    const low = wordAt(this.#memory.words, leaf.word);
    if ((low & GUEST_PRESENT) === 0) return -1;
    const mask = leaf.level === 1 ? 0 : (1 << ((leaf.level - 1) * this.#indexBits)) - 1;
    return (
      (pageOfWords(low, wordAt(this.#memory.words, leaf.word + 1)) & ~mask) | (linearPage & mask)
    );
  }

  /** Maps, or changes an entry. Returns what is wrong with the item, or null. */
  apply(item: GuestItem): string | null {
    if (this.paging === "off") return "guest paging is off: it has no entries";
    if (item.level !== undefined) return this.#override(item, item.level);
    const level = PAGE_SIZES.indexOf(item.size ?? "4K") + 1;
    if (level > this.#levels) return `no pages of that size with ${this.#levels} levels`;
    const pages = 2 ** ((level - 1) * this.#indexBits);
    const linear = item.linear / 4096;
    const gpa = (item.gpa ?? item.linear) / 4096;
    if (linear % pages !== 0 || gpa % pages !== 0) return `addresses must be multiples of the size`;
    for (let i = 0; i < (item.count ?? 1); i++) {
      const problem = this.#map(item, linear + i * pages, gpa + i * pages, level);
      if (problem !== null) return problem;
    }
    return null;
  }

  #pdpteOf(linearPage: number): number {
    const number = Math.floor(linearPage / 2 ** (PAE_LEVELS * this.#indexBits));
    return this.pdpteWord(modulo(number, PDPTES));
  }

  #map(item: GuestItem, linearPage: number, gpaPage: number, level: number): string | null {
    const word = this.#entry(linearPage, level);
    if (word === null) return "a larger page is mapped there";
    const rights = item.rights ?? "rwxu";
    let low = (gpaPage << 12) | (level > 1 ? GUEST_LARGE : 0);
    if (rights.includes("r")) low |= GUEST_PRESENT;
    if (rights.includes("w")) low |= GUEST_WRITE;
    if (rights.includes("u")) low |= GUEST_USER;
    const high = (gpaPage >>> 20) | (rights.includes("x") ? 0 : GUEST_NO_EXECUTE_HIGH);
    this.#memory.words[word] = low;
    this.#memory.words[word + 1] = high;
    if (item.flags === undefined) return null;
    return applyFlags(this.#memory, this.path(linearPage), item.flags, GUEST_FLAGS);
  }

  /** The entry of a linear page at a level, with tables made on the way; null under a large page. */
  #entry(linearPage: number, level: number): number | null {
    let table = this.root;
    if (this.paging === "pae") table = this.#follow(this.#pdpteOf(linearPage), 0);
    for (let at = this.#levels; at > level; at--) {
      const word = this.#word(table, this.#index(linearPage, at));
      if (at <= 3 && (wordAt(this.#memory.words, word) & GUEST_LARGE) !== 0) return null;
      table = this.#follow(word, GUEST_WRITE | GUEST_USER);
    }
    return this.#word(table, this.#index(linearPage, level));
  }

  #follow(word: number, bits: number): number {
    const { words } = this.#memory;
    if ((wordAt(words, word) & GUEST_PRESENT) !== 0)
      return pageOfWords(wordAt(words, word), wordAt(words, word + 1));
    const table = this.#newTable();
    this.#memory.words[word] = (table << 12) | GUEST_PRESENT | bits;
    this.#memory.words[word + 1] = table >>> 20;
    return table;
  }

  #override(item: GuestItem, level: number): string | null {
    if (this.paging === "pae" && level === PDPTE_LEVEL) {
      overrideEntry(this.#memory, this.#pdpteOf(Math.floor(item.linear / 4096)), item);
      return null;
    }
    const at = this.path(Math.floor(item.linear / 4096)).find((entry) => entry.level === level);
    if (at === undefined) return `no entry at level ${level}: map something below it first`;
    overrideEntry(this.#memory, at.word, item);
    return null;
  }
}

/** The rest of a division, also of a negative number: pages of the upper half have negative numbers. */
function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}

/** Replaces an entry (`entry`), then clears bits, then sets bits. */
export function overrideEntry(
  memory: HostMemory,
  word: number,
  change: {
    readonly entry?: bigint | undefined;
    readonly set?: bigint | undefined;
    readonly clear?: bigint | undefined;
  },
): void {
  const { words } = memory;
  if (change.entry !== undefined) {
    words[word] = lowWord(change.entry);
    words[word + 1] = highWord(change.entry);
  }
  const set = change.set ?? 0n;
  const clear = change.clear ?? 0n;
  words[word] = (wordAt(words, word) & ~lowWord(clear)) | lowWord(set);
  words[word + 1] = (wordAt(words, word + 1) & ~highWord(clear)) | highWord(set);
}
