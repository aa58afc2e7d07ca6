/** The disk that pages are written to and read from: requests are transferred one after the other, latencies overlap. */
import type { Part, WordArray } from "../../hardware/part.ts";

export class Disk implements Part {
  readonly name = "disk";
  /** Of each request, in cycles. */
  readonly latency: number;
  /** Transfer of one page, in cycles. */
  readonly pageCycles: number;
  /** [0]: when the last transfer ends; [1]: when the last write is done; [2]: pages read; [3]: pages written. */
  readonly state = new Float64Array(4);

  constructor(latency: number, pageCycles: number) {
    this.latency = latency;
    this.pageCycles = pageCycles;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { state: this.state };
  }
}

/** Time of the end of a request that is made at `now`. */
function transfer({ state, pageCycles, latency }: Disk, now: number, pages: number): number {
  state[0] = Math.max(now, state[0]!) + pages * pageCycles;
  return state[0]! + latency;
}

/** Reads one page. Returns the time until it is there. */
export function readPage(disk: Disk, now: number): number {
  disk.state[2] = disk.state[2]! + 1;
  return transfer(disk, now, 1) - now;
}

/** Writes pages in one request. Returns the time until they are written; writes end in order. */
export function writePages(disk: Disk, now: number, pages: number): number {
  const end = pages === 0 ? now : transfer(disk, now, pages);
  disk.state[1] = Math.max(disk.state[1]!, end);
  disk.state[3] = disk.state[3]! + pages;
  return disk.state[1]! - now;
}
