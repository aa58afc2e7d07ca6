/**
 * A global state as words: each slot has a field of a few bits, none across two words. Widths follow
 * the values that slots have had; when one outgrows its field, all states are packed anew.
 */
import type { Slot } from "./slot.ts";

export class Layout {
  readonly slots: number;
  /** By slot: bits, the word that holds the field, and its position in it. */
  readonly bits: Int32Array;
  readonly word: Int32Array;
  readonly shift: Int32Array;
  readonly mask: Int32Array;
  /** Words of a state. */
  readonly words: number;

  constructor(bits: Int32Array) {
    this.slots = bits.length;
    this.bits = bits;
    this.word = new Int32Array(bits.length);
    this.shift = new Int32Array(bits.length);
    this.mask = new Int32Array(bits.length);
    // Widest first, each into the first word with room: fields leave few gaps.
    const order = Array.from(bits.keys()).sort((a, b) => bits[b]! - bits[a]! || a - b);
    const used: number[] = [];
    for (const slot of order) {
      const width = bits[slot]!;
      let word = used.findIndex((taken) => taken + width <= 32);
      if (word < 0) word = used.push(0) - 1;
      this.word[slot] = word;
      this.shift[slot] = used[word]!;
      this.mask[slot] = width === 32 ? -1 : (1 << width) - 1;
      used[word]! += width;
    }
    this.words = used.length;
  }

  unpack(states: Int32Array, at: number, ids: Int32Array): void {
    const { word, shift, mask, slots } = this;
    for (let slot = 0; slot < slots; slot++) {
      ids[slot] = (states[at + word[slot]!]! >>> shift[slot]!) & mask[slot]!;
    }
  }

  pack(ids: Int32Array, states: Int32Array, at: number): void {
    for (let word = 0; word < this.words; word++) states[at + word] = 0;
    for (let slot = 0; slot < ids.length; slot++) {
      const word = at + this.word[slot]!;
      states[word] = states[word]! | (ids[slot]! << this.shift[slot]!);
    }
  }
}

/** Fields for the values known so far, and half as many again where there is more than one. */
export function layoutFor(slots: readonly Slot[], before?: Layout): Layout {
  const bits = slots.map(({ values }, slot) => {
    const room = values.length === 1 ? 1 : values.length + (values.length >> 1);
    return Math.max(32 - Math.clz32(room - 1), before?.bits[slot] ?? 0);
  });
  return new Layout(Int32Array.from(bits));
}
