/** Pages by a key: the one with the largest key is found and taken out at once. */
import type { WordArray } from "../../hardware/part.ts";
import { wordAt, words } from "../../lookup.ts";

export class MaxHeap {
  readonly #keys: Int32Array;
  readonly #pages: Int32Array;
  readonly #size = words(1);

  /** @param most pages at once */
  constructor(most: number) {
    this.#keys = new Int32Array(most);
    this.#pages = new Int32Array(most);
  }

  get arrays(): Readonly<Record<string, WordArray>> {
    return { heapKeys: this.#keys, heapPages: this.#pages, heapSize: this.#size };
  }

  get size(): number {
    return this.#size[0];
  }

  /** The largest. */
  get key(): number {
    return wordAt(this.#keys, 0);
  }

  push(key: number, page: number): void {
    let at = this.#size[0];
    this.#size[0] = at + 1;
    while (at > 0) {
      const above = (at - 1) >>> 1;
      if (wordAt(this.#keys, above) >= key) break;
      this.#copy(above, at);
      at = above;
    }
    this.#set(at, key, page);
  }

  /** Takes out a page with the largest key. */
  pop(): number {
    const page = wordAt(this.#pages, 0);
    const size = this.#size[0] - 1;
    this.#size[0] = size;
    const key = wordAt(this.#keys, size);
    const moved = wordAt(this.#pages, size);
    let at = 0;
    for (let below = 1; below < size; below = 2 * at + 1) {
      const other = below + 1;
      const isOther = other < size && wordAt(this.#keys, other) > wordAt(this.#keys, below);
      const larger = isOther ? other : below;
      if (wordAt(this.#keys, larger) <= key) break;
      this.#copy(larger, at);
      at = larger;
    }
    this.#set(at, key, moved);
    // What is free is zero: equal states have equal words.
    this.#set(size, 0, 0);
    return page;
  }

  #copy(from: number, to: number): void {
    this.#set(to, wordAt(this.#keys, from), wordAt(this.#pages, from));
  }

  #set(at: number, key: number, page: number): void {
    this.#keys[at] = key;
    this.#pages[at] = page;
  }
}
