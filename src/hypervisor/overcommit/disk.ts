/** The disk that pages are written to and read from: requests are transferred one after the other, latencies overlap. */

import type { Part, WordArray } from "../../hardware/part.ts";
import { numbers } from "../../lookup.ts";

/** Words of the state. */
const At = {
  /** When the last transfer ends. */
  transferred: 0,
  /** When the last write is done. */
  written: 1,
  pagesRead: 2,
  pagesWritten: 3,
} as const;

export class Disk implements Part {
  readonly name = "disk";
  /** When a request is done is a delay. */
  readonly statistics = ["state"];
  /** Cycles that every request takes besides its transfer. */
  readonly latency: number;
  /** Transfer of one page, in cycles. */
  readonly pageCycles: number;
  readonly state = numbers(4);

  constructor(latency: number, pageCycles: number) {
    this.latency = latency;
    this.pageCycles = pageCycles;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { state: this.state };
  }

  get pagesRead(): number {
    return this.state[At.pagesRead];
  }

  get pagesWritten(): number {
    return this.state[At.pagesWritten];
  }
}

/** Time of the end of a request that is made at `now`. */
function transfer({ state, pageCycles, latency }: Disk, now: number, pages: number): number {
  state[At.transferred] = Math.max(now, state[At.transferred]) + pages * pageCycles;
  return state[At.transferred] + latency;
}

/** Reads one page. Returns the time until it is there. */
export function readPage(disk: Disk, now: number): number {
  disk.state[At.pagesRead] += 1;
  return transfer(disk, now, 1) - now;
}

/** Writes pages in one request. Returns the time until they are written; writes end in order. */
export function writePages(disk: Disk, now: number, pages: number): number {
  const end = pages === 0 ? now : transfer(disk, now, pages);
  disk.state[At.written] = Math.max(disk.state[At.written], end);
  disk.state[At.pagesWritten] += pages;
  return disk.state[At.written] - now;
}
