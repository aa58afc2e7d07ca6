/** Pages in the order in which they came, each in it once. */
import { type NormalForm, whilePagesStay, wholeOf } from "../../hardware/normalForm.ts";
import type { Part, WordArray } from "../../hardware/part.ts";
import { fieldOf, wordAt, words } from "../../lookup.ts";

/** Words of the state: where in the ring the first page is, and how many there are. */
const At = { first: 0, count: 1 } as const;

export class PageFifo implements Part {
  readonly name: string;
  readonly ring: Int32Array;
  /** A bit per page: it is in the ring. */
  readonly inside: Int32Array;
  readonly state = words(2);

  constructor(name: string, pages: number) {
    this.name = name;
    this.ring = new Int32Array(pages);
    this.inside = new Int32Array(Math.ceil(pages / 32) || 1);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { ring, inside, state } = this;
    return { ring, inside, state };
  }

  get count(): number {
    return this.state[At.count];
  }

  has(page: number): boolean {
    return (wordAt(this.inside, page >>> 5) & (1 << (page & 31))) !== 0;
  }

  /** Returns whether the page is new in it. */
  push(page: number): boolean {
    if (this.has(page)) return false;
    const { ring, inside, state } = this;
    ring[(state[At.first] + state[At.count]) % ring.length] = page;
    state[At.count] += 1;
    inside[page >>> 5] = wordAt(inside, page >>> 5) | (1 << (page & 31));
    return true;
  }

  /** The oldest page, taken out; -1 if there is none. */
  shift(): number {
    const { ring, inside, state } = this;
    if (state[At.count] === 0) return -1;
    const page = wordAt(ring, state[At.first]);
    state[At.first] = (state[At.first] + 1) % ring.length;
    state[At.count] -= 1;
    inside[page >>> 5] = wordAt(inside, page >>> 5) & ~(1 << (page & 31));
    return page;
  }

  clear(): void {
    this.inside.fill(0);
    this.state.fill(0);
  }

  /** In order. */
  pages(): number[] {
    const { ring, state } = this;
    return Array.from({ length: state[At.count] }, (_, i) =>
      wordAt(ring, (state[At.first] + i) % ring.length),
    );
  }
}

/** Its pages in order; where in the ring they are does not matter. */
export function fifoForm(fifo: PageFifo): NormalForm {
  const list = fifo.name;
  const put = (pages: readonly number[], first: number): void => {
    fifo.clear();
    fifo.ring.fill(0);
    fifo.state[At.first] = first;
    for (const page of pages) fifo.push(page);
  };
  return {
    extents: wholeOf([fifo]),
    lists: [list],
    save: () => ({ [list]: fifo.pages() }),
    restore: (words) => put(fieldOf(words, list), 0),
    scramble: () => put(fifo.pages(), fifo.ring.length - 1),
    renumber: whilePagesStay,
  };
}
