/**
 * Migrations that share links. Each host has a link, as fast in either direction; a transfer takes of its source's
 * outgoing and of its destination's incoming direction. Rates are the max-min fair shares (Bertsekas and Gallager,
 * Data Networks, 6.5.2): all rise together until a direction is full; those on it stay, and the others rise on.
 */

import { itemAt } from "../../lookup.ts";

interface Transfer {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  /** Bytes that are left, as of `since`, and bytes a second. */
  left: number;
  rate: number;
  since: number;
}

/** Told of each transfer whose end has another time now. Times in seconds. */
export type OnRate = (id: number, end: number) => void;

export class Links {
  readonly #bandwidth: number;
  readonly #onRate: OnRate;
  /** By direction: of host h, outgoing 2h, incoming 2h + 1. */
  readonly #on: Transfer[][];
  readonly #all = new Map<number, Transfer>();

  /** @param bandwidth bytes a second in each direction of each link */
  constructor(hosts: number, bandwidth: number, onRate: OnRate) {
    this.#bandwidth = bandwidth;
    this.#onRate = onRate;
    this.#on = Array.from({ length: 2 * hosts }, () => []);
  }

  /** Bytes a second of a transfer. */
  rateOf(id: number): number {
    return this.#all.get(id)?.rate ?? 0;
  }

  /** What a transfer would get beside those that are under way. */
  rateFor(from: number, to: number): number {
    const most = Math.max(itemAt(this.#on, 2 * from).length, itemAt(this.#on, 2 * to + 1).length);
    return this.#bandwidth / (most + 1);
  }

  start(id: number, from: number, to: number, bytes: number, now: number): void {
    const transfer = { id, from, to, left: bytes, rate: 0, since: now };
    this.#all.set(id, transfer);
    itemAt(this.#on, 2 * from).push(transfer);
    itemAt(this.#on, 2 * to + 1).push(transfer);
    this.#share(transfer, now);
  }

  /** A transfer is over. */
  end(id: number, now: number): void {
    const transfer = this.#all.get(id);
    if (transfer === undefined) throw new Error(`there is no transfer ${id}`);
    this.#all.delete(id);
    for (const direction of [2 * transfer.from, 2 * transfer.to + 1]) {
      const list = itemAt(this.#on, direction);
      list.splice(list.indexOf(transfer), 1);
    }
    this.#share(transfer, now);
  }

  /** New shares for all whose rates can depend on this transfer's. */
  #share(changed: Transfer, now: number): void {
    const directions = [2 * changed.from, 2 * changed.to + 1];
    const seen = new Set(directions);
    const reached = new Set<Transfer>();
    for (const direction of directions) {
      for (const transfer of itemAt(this.#on, direction)) {
        reached.add(transfer);
        for (const next of [2 * transfer.from, 2 * transfer.to + 1]) {
          if (seen.has(next)) continue;
          seen.add(next);
          directions.push(next);
        }
      }
    }
    for (const transfer of reached) {
      transfer.left = Math.max(0, transfer.left - transfer.rate * (now - transfer.since));
      transfer.since = now;
    }
    this.#fill(directions, reached, now);
  }

  #fill(directions: readonly number[], transfers: ReadonlySet<Transfer>, now: number): void {
    const before = new Map([...transfers].map((one) => [one, one.rate]));
    const room = new Map(directions.map((one) => [one, this.#bandwidth]));
    const waiting = new Map(directions.map((one) => [one, itemAt(this.#on, one).length]));
    const open = new Set(transfers);
    while (open.size > 0) {
      let [fullest, least] = [-1, Number.POSITIVE_INFINITY];
      for (const direction of directions) {
        const count = waiting.get(direction) ?? 0;
        const share = (room.get(direction) ?? 0) / count;
        if (count > 0 && share < least) [fullest, least] = [direction, share];
      }
      for (const transfer of this.#on[fullest] ?? []) {
        if (!open.delete(transfer)) continue;
        transfer.rate = least;
        for (const direction of [2 * transfer.from, 2 * transfer.to + 1]) {
          room.set(direction, Math.max(0, (room.get(direction) ?? 0) - least));
          waiting.set(direction, (waiting.get(direction) ?? 0) - 1);
        }
      }
    }
    for (const transfer of transfers) {
      if (before.get(transfer) !== transfer.rate) {
        this.#onRate(transfer.id, now + transfer.left / transfer.rate);
      }
    }
  }
}
