/** How many of the last messages pass a filter. What is known of a message is kept while the run goes on. */
import type { MatchCount, StreamEntry } from "./frame.ts";
import { CAPACITY, type MessageRing } from "./messageRing.ts";
import { lineOf, type StreamFilter } from "./streamFilter.ts";

export class MatchCounter {
  /** By position: whether it passes. */
  readonly #passes = new Uint8Array(CAPACITY);
  #filter = "";
  /** Positions that are known: first, and one behind the last. */
  #from = 0;
  #to = 0;
  /** The last one that is known: a message that is delivered again is another entry. */
  #last: StreamEntry | undefined;

  /** @param depth messages that are looked through at most, the last one at `position` */
  count(ring: MessageRing, filter: StreamFilter, position: number, depth: number): MatchCount {
    const name = `${filter.inverse}${filter.pattern}`;
    const isOther = ring.entry(this.#to - 1) !== this.#last;
    if (name !== this.#filter || isOther || position + 1 < this.#to) {
      this.#from = this.#to = position + 1;
    }
    this.#filter = name;
    const first = Math.max(ring.first(position), position - depth + 1);
    if (first > this.#to) this.#from = this.#to = first;
    for (let at = this.#to; at <= position; at++) this.#look(ring, filter, at);
    for (let at = Math.min(this.#from, this.#to) - 1; at >= first; at--) {
      this.#look(ring, filter, at);
    }
    this.#from = Math.max(Math.min(this.#from, first), position + 1 - CAPACITY);
    this.#to = position + 1;
    this.#last = ring.entry(position);
    let found = 0;
    for (let at = first; at <= position; at++) found += this.#passes[at & (CAPACITY - 1)] ?? 0;
    return { found, of: position - first + 1, all: first === 1 };
  }

  #look(ring: MessageRing, { pattern, inverse }: StreamFilter, position: number): void {
    const entry = ring.entry(position);
    const passes = entry !== undefined && pattern.test(lineOf(entry)) !== inverse;
    this.#passes[position & (CAPACITY - 1)] = passes ? 1 : 0;
  }
}
