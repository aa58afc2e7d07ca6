/**
 * Places of pages in an LRU stack: each page has the time of its last use, and a tree of counts (Fenwick 1994) over times says
 * how many pages were used after it. Times are made new, in their order, when they have run out.
 */
import type { WordArray } from "../../hardware/part.ts";
import { wordAt, words } from "../../lookup.ts";

export class LruStack {
  /** By page: the time of its last use, from 1; 0: it is not in the stack. */
  readonly #times: Int32Array;
  /** By time: 1 + the page that was used last then; 0: none was. */
  readonly #users: Int32Array;
  readonly #tree: Int32Array;
  /** The last time that was given, and the pages in the stack. */
  readonly #state = words(2);

  /** @param most pages in the stack at once */
  constructor(pages: number, most = pages) {
    this.#times = new Int32Array(pages);
    this.#users = new Int32Array(2 * most + 2);
    this.#tree = new Int32Array(2 * most + 2);
  }

  get arrays(): Readonly<Record<string, WordArray>> {
    return { times: this.#times, users: this.#users, tree: this.#tree, stack: this.#state };
  }

  get held(): number {
    return this.#state[1];
  }

  /** A page is used. @returns its place before that, from 1 = the newest; 0: it was not in the stack */
  refer(page: number): number {
    const last = wordAt(this.#times, page);
    const depth = last === 0 ? 0 : this.held - this.#upTo(last) + 1;
    if (last !== 0) this.remove(page);
    if (this.#state[0] + 1 >= this.#users.length) this.#renew();
    this.#state[0] += 1;
    this.#put(page, this.#state[0]);
    return depth;
  }

  remove(page: number): void {
    const time = wordAt(this.#times, page);
    if (time === 0) return;
    this.#times[page] = 0;
    this.#users[time] = 0;
    this.#state[1] -= 1;
    this.#add(time, -1);
  }

  #put(page: number, time: number): void {
    this.#times[page] = time;
    this.#users[time] = page + 1;
    this.#state[1] += 1;
    this.#add(time, 1);
  }

  /** Half of the times at least are free then: there are twice as many as pages. */
  #renew(): void {
    const inOrder = this.#users.filter((user) => user !== 0);
    this.#users.fill(0);
    this.#tree.fill(0);
    this.#state.fill(0);
    for (const user of inOrder) {
      this.#state[0] += 1;
      this.#put(user - 1, this.#state[0]);
    }
  }

  #add(time: number, change: number): void {
    const tree = this.#tree;
    for (let at = time; at < tree.length; at += at & -at) tree[at] = wordAt(tree, at) + change;
  }

  #upTo(time: number): number {
    let sum = 0;
    for (let at = time; at > 0; at &= at - 1) sum += wordAt(this.#tree, at);
    return sum;
  }
}
