/** Counting hot pages in PRL's cumulative buffers: those logged often enough (VEE21 3.4, dist[t]). */
import { wordAt } from "../../lookup.ts";
import { type CumulativeBuffer, clearOccurrences } from "../cumulativeBuffer.ts";

export interface HotPages {
  /** Hot pages of the guest's data, and of its page tables. */
  readonly pages: number;
  readonly tables: number;
  /** Counters looked at: what the scan costs. */
  readonly scanned: number;
  /** Occurrences of all pages together: as many GPAs were logged. */
  readonly logged: number;
}

/** Counters of one block of a cumulative buffer. */
const BLOCK = 512;

/**
 * Pages logged at least `least` times in both buffers together.
 * @param older the previous generation's buffer, null if there is none
 * @param dataPages pages below are data, the others are page tables
 * @param named becomes the set of hot pages of data, one bit a page
 */
export function countHotPages(
  buffer: CumulativeBuffer,
  older: CumulativeBuffer | null,
  least: number,
  dataPages: number,
  named: Int32Array,
): HotPages {
  named.fill(0);
  let pages = 0;
  let tables = 0;
  let scanned = 0;
  let logged = 0;
  for (let block = 0; block < buffer.directory.length; block++) {
    const now = wordAt(buffer.directory, block);
    const before = older?.directory[block] ?? 0;
    if (now === 0 && before === 0) continue;
    scanned += (now === 0 ? 0 : BLOCK) + (before === 0 ? 0 : BLOCK);
    for (let i = 0; i < BLOCK; i++) {
      let count = now === 0 ? 0 : wordAt(buffer.counts, (now - 1) * BLOCK + i);
      if (older !== null && before !== 0) count += wordAt(older.counts, (before - 1) * BLOCK + i);
      logged += count;
      if (count < least) continue;
      const page = block * BLOCK + i;
      if (page < dataPages) {
        pages++;
        named[page >>> 5] = wordAt(named, page >>> 5) | (1 << (page & 31));
      } else tables++;
    }
  }
  return { pages, tables, scanned, logged };
}

/** The older buffer takes over the counts of the current one, which becomes empty: the two change places. */
export function passGeneration(buffer: CumulativeBuffer, older: CumulativeBuffer): void {
  const recycled = older.counts;
  older.counts = buffer.counts;
  older.directory.set(buffer.directory);
  older.state.set(buffer.state);
  buffer.counts = recycled;
  clearOccurrences(buffer);
}
