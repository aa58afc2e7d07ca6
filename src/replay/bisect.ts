/**
 * The first difference of two logs, without replaying either: blocks that agree have the same digest of
 * all blocks before them, so a binary search finds the block, and only that one is read.
 */

import type { Delivery } from "../interconnect/messages.ts";
import { itemAt } from "../lookup.ts";
import type { LogEntry } from "./decoder.ts";
import { sameDelivery } from "./divergence.ts";
import type { BlockPlace, LogReader } from "./reader.ts";

export interface LogDifference {
  /** Messages that both have before it. */
  readonly position: number;
  /** Null: that log has ended there. */
  readonly entries: readonly [LogEntry | null, LogEntry | null];
  /** The last messages before it, oldest first. */
  readonly before: readonly Delivery[];
  /** Blocks of either log that were read, and that there are. */
  readonly blocksRead: number;
  readonly blocks: number;
}

const BEFORE = 10;

/** Null if they say the same as far as both go; see the readers for damage. */
export function firstDifference(left: LogReader, right: LogReader): LogDifference | null {
  const places = [left.places(), right.places()] as const;
  const blocks = Math.max(places[0].length, places[1].length);
  let low = 0;
  let high = Math.min(places[0].length, places[1].length);
  // Invariant: block `low` is in both logs at the same place, after the same blocks; `high` is not.
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (samePlace(itemAt(places[0], middle), itemAt(places[1], middle))) low = middle;
    else high = middle;
  }
  // One block earlier, for the messages before.
  const from = Math.max(0, low - 1);
  if (places[0][from] !== undefined && places[1][from] !== undefined) {
    left.seek(places[0][from]);
    right.seek(places[1][from]);
  }
  const before: Delivery[] = [];
  for (;;) {
    const position = left.position;
    const [ours, theirs] = [left.next() ?? null, right.next() ?? null];
    if (ours === null && theirs === null) return null;
    if (ours === null || theirs === null || !sameEntry(ours, theirs)) {
      const blocksRead = Math.min(blocks, low - from + 1);
      return { position, entries: [ours, theirs], before, blocksRead, blocks };
    }
    if (ours.kind !== "message") continue;
    before.push(ours.delivery);
    if (before.length > BEFORE) before.shift();
  }
}

/** Whether two logs say the same at one place. */
export function sameEntry(a: LogEntry, b: LogEntry): boolean {
  if (a.kind === "message" && b.kind === "message") {
    return a.digest === b.digest && a.posted === b.posted && sameDelivery(a.delivery, b.delivery);
  }
  return JSON.stringify(a) === JSON.stringify(b);
}

function samePlace(a: BlockPlace, b: BlockPlace): boolean {
  return a.digest === b.digest && a.position === b.position && a.time === b.time;
}
