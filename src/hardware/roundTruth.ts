/**
 * The ground truth of one round of a tracker: what was accessed since it began, and two things that a
 * processor does and no access shows. It is kept only where somebody compares rounds with it.
 */
import { wordAt } from "../lookup.ts";
import type { Part, WordArray } from "./part.ts";

/** Pages in one word of a set with a bit for each page. */
const PAGES_PER_WORD = 32;

export class RoundTruth implements Part {
  readonly name: string;
  /** Two bits per page, as in GuestPages.truth. Like the others it is empty before the first round. */
  accesses: Int32Array = new Int32Array(0);
  /** One bit per page: a walk set A or D in this page of the guest's own paging structures. */
  structureWrites: Int32Array = new Int32Array(0);
  /** One bit per page: PRL had to drop this page's address. */
  dropped: Int32Array = new Int32Array(0);
  readonly #pages: number;

  constructor(name: string, pages: number) {
    this.name = name;
    this.#pages = pages;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { accesses, structureWrites, dropped } = this;
    return { accesses, structureWrites, dropped };
  }

  resize({ accesses = 0 }: Readonly<Record<string, number>>): void {
    if (accesses === this.accesses.length) return;
    const words = accesses === 0 ? 0 : Math.ceil(this.#pages / PAGES_PER_WORD);
    this.accesses = new Int32Array(accesses);
    this.structureWrites = new Int32Array(words);
    this.dropped = new Int32Array(words);
  }

  /** A round begins. @param truthWords length of the guest's truth */
  begin(truthWords: number): void {
    this.resize({ accesses: truthWords });
    for (const words of [this.accesses, this.structureWrites, this.dropped]) words.fill(0);
  }
}

/** Adds a page to a set with a bit for each page. Pages beyond it are left out. */
export function notePage(set: Int32Array, page: number): void {
  const word = page >>> 5;
  if (word < set.length) set[word] = wordAt(set, word) | (1 << (page & 31));
}
