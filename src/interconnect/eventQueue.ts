/**
 * The queue of deliveries in order of (time, sequence). Messages without delay, the bulk, wait in a
 * FIFO; the others in a binary heap.
 */
import type { Delivery, MessageType } from "./messages.ts";

export class EventQueue {
  #heap: Delivery[] = [];
  /** Ring of deliveries due now; its times are all the same. */
  #ring: (Delivery | undefined)[] = new Array(64).fill(undefined);
  #head = 0;
  #count = 0;

  get size(): number {
    return this.#heap.length + this.#count;
  }

  /** @param now current time: a delivery due now goes to the FIFO. */
  push(delivery: Delivery, now: number): void {
    if (delivery.time === now) this.#pushRing(delivery);
    else this.#pushHeap(delivery);
  }

  /** The earliest delivery, removed; undefined if there is none. */
  pop(): Delivery | undefined {
    if (this.#count === 0) return this.#popHeap();
    const first = this.#ring[this.#head]!;
    const top = this.#heap[0];
    if (top !== undefined && isBefore(top, first)) return this.#popHeap();
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#count--;
    return first;
  }

  /** A certain delivery, removed; undefined if it is not here. */
  take(sequence: number): Delivery | undefined {
    const all = this.list();
    const at = all.findIndex((delivery) => delivery.sequence === sequence);
    if (at < 0) return undefined;
    this.restore(all.toSpliced(at, 1));
    return all[at];
  }

  /** Time of the earliest delivery; Infinity if there is none. */
  get nextTime(): number {
    const heap = this.#heap[0]?.time ?? Number.POSITIVE_INFINITY;
    return this.#count === 0 ? heap : Math.min(heap, this.#ring[this.#head]!.time);
  }

  /** Time of the earliest delivery whose message is not of a type; Infinity if there is none. */
  nextTimeExcept(type: MessageType): number {
    let time = Number.POSITIVE_INFINITY;
    for (const delivery of this.#heap) {
      if (delivery.time < time && delivery.message.type !== type) time = delivery.time;
    }
    for (let i = 0; i < this.#count; i++) {
      const delivery = this.#ring[(this.#head + i) & (this.#ring.length - 1)]!;
      if (delivery.time < time && delivery.message.type !== type) time = delivery.time;
    }
    return time;
  }

  /** All deliveries in order, for snapshots. */
  list(): readonly Delivery[] {
    const all = this.#heap.slice();
    for (let i = 0; i < this.#count; i++) {
      all.push(this.#ring[(this.#head + i) & (this.#ring.length - 1)]!);
    }
    return all.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  /** Replaces the contents by a list in order. */
  restore(deliveries: readonly Delivery[]): void {
    this.#ring.fill(undefined);
    this.#head = 0;
    this.#count = 0;
    // An ordered array is a heap.
    this.#heap = deliveries.slice();
  }

  #pushRing(delivery: Delivery): void {
    if (this.#count === this.#ring.length) this.#growRing();
    this.#ring[(this.#head + this.#count) & (this.#ring.length - 1)] = delivery;
    this.#count++;
  }

  #growRing(): void {
    const grown: (Delivery | undefined)[] = new Array(this.#ring.length * 2).fill(undefined);
    for (let i = 0; i < this.#count; i++) {
      grown[i] = this.#ring[(this.#head + i) & (this.#ring.length - 1)];
    }
    this.#ring = grown;
    this.#head = 0;
  }

  #pushHeap(delivery: Delivery): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(delivery);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(delivery, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = delivery;
  }

  #popHeap(): Delivery | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Delivery, b: Delivery): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence);
}
