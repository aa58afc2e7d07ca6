/**
 * A global state as words: each slot has a field of a few bits, none across two words. Widths follow
 * the values that slots have had; when one outgrows its field, all states are packed anew.
 */

import { itemAt, wordAt } from "../../lookup.ts";
import { Channel } from "./channel.ts";
import type { Slot } from "./slot.ts";

const WORD_BITS = 32;

export class Layout {
  /** What it was made from. */
  readonly least: Int32Array;
  readonly wanting: readonly number[];
  readonly slots: number;
  /** By slot: bits, the word that holds the field, and its position in it. */
  readonly bits: Int32Array;
  readonly word: Int32Array;
  readonly shift: Int32Array;
  readonly mask: Int32Array;
  /** Words of a state. */
  readonly words: number;

  /**
   * @param least bits that each slot needs
   * @param wanting slots that get what bits are left over in their words, the first of them first
   */
  constructor(least: Int32Array, wanting: readonly number[] = []) {
    this.least = least;
    this.wanting = wanting;
    this.slots = least.length;
    this.bits = least.slice();
    this.word = new Int32Array(least.length);
    this.shift = new Int32Array(least.length);
    this.mask = new Int32Array(least.length);
    const order = Array.from(least.keys()).sort(
      (a, b) => wordAt(least, b) - wordAt(least, a) || a - b,
    );
    const free = this.#place(order);
    for (const slot of wanting) {
      // At most twice as many again: room for the cube of its values.
      const more = Math.min(2 * wordAt(least, slot), itemAt(free, wordAt(this.word, slot)));
      this.bits[slot]! += more;
      free[wordAt(this.word, slot)]! -= more;
    }
    const used = free.map(() => 0);
    for (const slot of order) {
      const width = wordAt(this.bits, slot);
      this.shift[slot] = itemAt(used, wordAt(this.word, slot));
      this.mask[slot] = width === WORD_BITS ? -1 : (1 << width) - 1;
      used[wordAt(this.word, slot)]! += width;
    }
    this.words = free.length;
  }

  /**
   * Chooses words, widest field first: into the first word with room, so that words are few; then, if as
   * many words do, into the emptiest, so that each has bits left over. Returns how many.
   */
  #place(order: readonly number[]): number[] {
    const firstFit: number[] = [];
    for (const slot of order) {
      const found = firstFit.findIndex((free) => free >= wordAt(this.bits, slot));
      const word = found < 0 ? firstFit.push(WORD_BITS) - 1 : found;
      this.word[slot] = word;
      firstFit[word]! -= wordAt(this.bits, slot);
    }
    const emptiest = firstFit.map(() => WORD_BITS);
    const words = order.map((slot) => {
      const word = emptiest.indexOf(Math.max(...emptiest));
      emptiest[word]! -= wordAt(this.bits, slot);
      return word;
    });
    if (Math.min(...emptiest) < 0) return firstFit;
    order.forEach((slot, i) => {
      this.word[slot] = itemAt(words, i);
    });
    return emptiest;
  }

  unpack(states: Int32Array, at: number, ids: Int32Array): void {
    const { word, shift, mask, slots } = this;
    for (let slot = 0; slot < slots; slot++) {
      ids[slot] =
        (wordAt(states, at + wordAt(word, slot)) >>> wordAt(shift, slot)) & wordAt(mask, slot);
    }
  }

  pack(ids: Int32Array, states: Int32Array, at: number): void {
    for (let word = 0; word < this.words; word++) states[at + word] = 0;
    for (let slot = 0; slot < ids.length; slot++) {
      const word = at + wordAt(this.word, slot);
      states[word] = wordAt(states, word) | (wordAt(ids, slot) << wordAt(this.shift, slot));
    }
  }
}

/**
 * Fields for the values known so far, and half as many again where there is more than one. What bits are
 * left over go to the slots with the most values: these will want more.
 */
export function layoutFor(slots: readonly Slot[]): Layout {
  const known = slots.map(({ values }) => values.length);
  const bits = slots.map((slot, number) => {
    const count = itemAt(known, number);
    if (count === 1) return slot instanceof Channel ? 1 : 0;
    return WORD_BITS - Math.clz32(count + (count >> 1) - 1);
  });
  const wanting = [...known.keys()].filter((slot) => itemAt(known, slot) > 1);
  wanting.sort((a, b) => itemAt(known, b) - itemAt(known, a) || a - b);
  return new Layout(Int32Array.from(bits), wanting);
}
