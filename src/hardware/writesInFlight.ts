/**
 * Pages that a device of a VM has written and nobody has marked yet: part of the ground truth. Whoever writes past the
 * processor's walk marks after the write, so a harvest that falls between them does not owe the page. The next one does.
 */
import { fieldOf, wordAt } from "../lookup.ts";
import { type NormalForm, pageBitNames, renumberedBits } from "./normalForm.ts";
import type { Part, WordArray } from "./part.ts";

/** Bit of a write in two bits a page. */
const WRITTEN = 2;

export class WritesInFlight implements Part {
  readonly name: string;
  /** Laid out as GuestPages.truth. */
  readonly words: Int32Array;

  constructor(name: string, truthWords: number) {
    this.name = name;
    this.words = new Int32Array(truthWords);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { words: this.words };
  }
}

/** A device has written the page. */
export function inFlight({ words }: WritesInFlight, page: number): void {
  words[page >>> 4] = wordAt(words, page >>> 4) | (WRITTEN << ((page & 15) << 1));
}

/** The page is marked: whatever was written to it before is found. */
export function landed({ words }: WritesInFlight, page: number): void {
  words[page >>> 4] = wordAt(words, page >>> 4) & ~(WRITTEN << ((page & 15) << 1));
}

/** Moves what is in flight from the accesses that a harvest owes to those that the next one does. */
export function postpone(flying: WritesInFlight | null, owed: Int32Array, next: Int32Array): void {
  if (flying === null) return;
  owed.forEach((word, i) => {
    const late = word & (flying.words[i] ?? 0);
    if (late === 0) return;
    owed[i] = word & ~late;
    next[i] = wordAt(next, i) | late;
  });
}

export function flightForm(flying: WritesInFlight, vm: number, pages: number): NormalForm {
  const nameOf = pageBitNames(`the writes in flight of VM ${vm}`, 2);
  return {
    extents: [{ part: flying, array: "words", nameOf }],
    lists: ["inFlight"],
    save: () => ({ inFlight: Array.from(flying.words) }),
    restore(lists) {
      flying.words.set(fieldOf(lists, "inFlight"));
    },
    scramble() {},
    renumber: (lists, to) => ({
      inFlight: renumberedBits(fieldOf(lists, "inFlight"), 2, pages, (page) => to.page(vm, page)),
    }),
  };
}
