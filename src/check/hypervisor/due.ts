/**
 * The ground truth of a VM as a debt: pages that the guest has written (or touched) and that no harvest has reported yet. No
 * tracker sees it. While a harvest is under way that others may come between, it is as src/system/verdict/rounds.ts has it
 * for runs: what the harvest owes, as it began; and what has been accessed since, is in its report, and may be in the
 * next one too.
 */
import { truthMask } from "../../hardware/guestForm.ts";
import { type GuestPages, truthOf } from "../../hardware/guestPages.ts";
import { type NormalForm, pageBitNames, renumberedBits } from "../../hardware/normalForm.ts";
import type { Part, WordArray } from "../../hardware/part.ts";
import { postpone } from "../../hardware/writesInFlight.ts";
import { fieldOf, wordAt } from "../../lookup.ts";

/** A page's bits in words of two bits a page. */
function bitsOf(words: Int32Array, page: number): number {
  return words.length === 0 ? 0 : (wordAt(words, page >>> 4) >>> ((page & 15) * 2)) & 3;
}

function setBits(words: Int32Array, page: number, bits: number): void {
  if (words.length > 0) words[page >>> 4] = wordAt(words, page >>> 4) | (bits << ((page & 15) * 2));
}

function clearBits(words: Int32Array, page: number): void {
  if (words.length > 0) words[page >>> 4] = wordAt(words, page >>> 4) & ~(3 << ((page & 15) * 2));
}

/** Whether a harvest has reported a page. */
export type IsReported = (page: number) => boolean;

export class Due implements Part {
  readonly name: string;
  readonly #guest: GuestPages;
  /** As in GuestPages.truth. */
  readonly #due: Int32Array;
  readonly #covered: Int32Array;

  constructor(guest: GuestPages) {
    this.name = `${guest.name}/due`;
    this.#guest = guest;
    this.#due = new Int32Array(guest.truth.length);
    this.#covered = new Int32Array(guest.truth.length);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { due: this.#due, covered: this.#covered };
  }

  /** @param bits of a page that are owed */
  form(vm: number, bits: number): NormalForm {
    const mask = truthMask(bits);
    const nameOf = pageBitNames(`the ground truth of VM ${vm}`, 2);
    const all = [
      ["due", this.#due],
      ["covered", this.#covered],
    ] as const;
    return {
      extents: all.map(([array]) => ({ part: this, array, nameOf })),
      lists: all.map(([list]) => list),
      save: () =>
        Object.fromEntries(
          all.map(([list, own]) => [list, Array.from(own, (word) => word & mask)]),
        ),
      restore(words) {
        for (const [list, own] of all) own.set(fieldOf(words, list));
      },
      scramble() {},
      renumber: (words, to) => {
        const page = (one: number): number => to.page(vm, one);
        const { pages } = this.#guest;
        return Object.fromEntries(
          all.map(([list]) => [list, renumberedBits(fieldOf(words, list), 2, pages, page)]),
        );
      },
    };
  }

  /** A harvest begins: from now on what is done is another one's to report, or this one's. */
  begin(): void {
    const { truth, earlier, inFlight } = this.#guest;
    for (let i = 0; i < truth.length; i++) this.#due[i] = wordAt(truth, i) | (earlier[i] ?? 0);
    truth.fill(0);
    earlier.fill(0);
    postpone(inFlight, this.#due, truth);
  }

  /** What is owed since the last settlement and reported now is owed no more, though the next harvest may report it again. */
  cover(isReported: IsReported): void {
    this.settle((page) => {
      if (!isReported(page)) return false;
      setBits(this.#covered, page, truthOf(this.#guest, page));
      return true;
    });
  }

  /** A harvest has reported these pages: they are no longer owed. */
  settle(isReported: IsReported): void {
    const { truth, earlier, pages } = this.#guest;
    for (let page = 0; page < pages; page++) {
      if (!isReported(page)) continue;
      clearBits(truth, page);
      clearBits(earlier, page);
    }
  }

  /** Pages that are owed. */
  pages(bits: number): number[] {
    const { pages } = this.#guest;
    return Array.from({ length: pages }, (_, page) => page).filter(
      (page) => (truthOf(this.#guest, page) & bits) !== 0,
    );
  }

  /** Whether there are pages that the harvest owes and has not reported. */
  isMissing(bits: number, isReported: IsReported): boolean {
    for (let page = 0; page < this.#guest.pages; page++) {
      if ((bitsOf(this.#due, page) & bits) !== 0 && !isReported(page)) return true;
    }
    return false;
  }

  /** Whether a page was accessed in what a harvest now may report. */
  has(page: number, bits: number): boolean {
    const accessed =
      bitsOf(this.#due, page) | bitsOf(this.#covered, page) | truthOf(this.#guest, page);
    return (accessed & bits) !== 0;
  }

  /** What the harvest owed is owed still. */
  giveBack(): void {
    const { truth } = this.#guest;
    for (let i = 0; i < truth.length; i++) truth[i] = wordAt(truth, i) | wordAt(this.#due, i);
  }

  clear(): void {
    this.#due.fill(0);
    this.#covered.fill(0);
  }
}
