/** A list of 32-bit words that grows and can be saved. */

import type { Part, WordArray } from "../../../hardware/part.ts";
import { wordAt } from "../../../lookup.ts";

export class WordList implements Part {
  readonly name: string;
  words = new Int32Array(64);
  /** [0]: how many words there are. */
  readonly state = new Int32Array(1);

  constructor(name: string) {
    this.name = name;
  }

  get length(): number {
    return wordAt(this.state, 0);
  }

  clear(): void {
    this.state[0] = 0;
  }

  push(word: number): void {
    const at = this.length;
    this.#reserve(at + 1);
    this.words[at] = word;
    this.state[0] = at + 1;
  }

  pushAll(words: Int32Array): void {
    const at = this.length;
    this.#reserve(at + words.length);
    this.words.set(words, at);
    this.state[0] = at + words.length;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { state: this.state, words: this.words.subarray(0, this.length) };
  }

  resize(lengths: Readonly<Record<string, number>>): void {
    this.#reserve(lengths["words"] ?? 0);
    this.state[0] = lengths["words"] ?? 0;
  }

  #reserve(length: number): void {
    if (length <= this.words.length) return;
    const grown = new Int32Array(Math.max(length, this.words.length * 2));
    grown.set(this.words);
    this.words = grown;
  }
}
