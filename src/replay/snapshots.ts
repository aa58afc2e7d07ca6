/**
 * Snapshots of a whole system that share what has not changed: memory is kept in chunks, and a chunk that
 * is the same in the snapshot before is not kept twice. When they take more than their budget, those go
 * whose absence costs least: far from the present they stand far apart, near it close together, so that
 * the way from a snapshot to any point is a small part of the way from there to the present.
 */

import type { PartSnapshot, WordArray } from "../hardware/part.ts";
import type { Delivery } from "../interconnect/messages.ts";
import { itemAt, present } from "../lookup.ts";
import type { SystemSnapshot } from "../system/snapshot.ts";

const CHUNK_WORDS = 4096;
/** What a snapshot takes beside its memory: actors and queue, roughly. */
const REST_BYTES = 32 * 1024;
/** More would make choosing slow. */
const SNAPSHOTS_MAX = 512;

type Chunks = readonly WordArray[];

interface ChunkedPart {
  readonly name: string;
  readonly arrays: Readonly<Record<string, { readonly length: number; readonly chunks: Chunks }>>;
}

export interface Kept {
  /** Messages delivered before it. */
  readonly position: number;
  /** Interventions made before it. */
  readonly interventions: number;
  /** What it took to get here from the start, in units of about one message. */
  readonly work: number;
  /** Virtual time, in cycles. */
  readonly time: number;
  /** The message delivered last. */
  readonly last: Delivery | null;
}

interface KeptSnapshot extends Kept {
  readonly rest: Omit<SystemSnapshot, "parts">;
  readonly parts: readonly ChunkedPart[];
}

export class SnapshotStore {
  readonly #budget: number;
  /** By position. */
  readonly #kept: KeptSnapshot[] = [];
  readonly #users = new Map<WordArray, number>();
  #bytes = 0;

  /** @param budget bytes of memory; the first snapshot is always kept */
  constructor(budget: number) {
    this.#budget = budget;
  }

  get count(): number {
    return this.#kept.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The last one at or before a position. */
  before(position: number): Kept {
    return itemAt(this.#kept, this.#countTo(position) - 1);
  }

  /** The last one whose virtual time is not after this. */
  upTo(time: number): Kept {
    return this.#kept.findLast((one) => one.time <= time) ?? itemAt(this.#kept, 0);
  }

  add(place: Kept, snapshot: SystemSnapshot): void {
    const at = this.#countTo(place.position);
    const neighbour = this.#kept[at - 1];
    if (neighbour?.position === place.position) return;
    const parts = snapshot.parts.map((part, i) => chunked(part, neighbour?.parts[i]));
    const { interconnect, actors } = snapshot;
    this.#kept.splice(at, 0, { ...place, rest: { interconnect, actors }, parts });
    this.#bytes += REST_BYTES;
    this.#forEachChunk(parts, (chunk) => {
      const users = this.#users.get(chunk) ?? 0;
      this.#users.set(chunk, users + 1);
      if (users === 0) this.#bytes += chunk.byteLength;
    });
    while (this.#kept.length > 2 && this.#tooMuch()) this.#drop(this.#leastUseful(place.work));
  }

  /** The snapshot at exactly this position. */
  get(position: number): SystemSnapshot {
    const kept = this.#kept[this.#countTo(position) - 1];
    if (kept?.position !== position) throw new Error(`no snapshot at ${position}`);
    return { ...kept.rest, parts: kept.parts.map(whole) };
  }

  /** Drops those after a position: what follows there has changed. */
  dropAfter(position: number): void {
    while ((this.#kept.at(-1)?.position ?? -1) > position) this.#drop(this.#kept.length - 1);
  }

  #tooMuch(): boolean {
    return this.#bytes > this.#budget || this.#kept.length > SNAPSHOTS_MAX;
  }

  /** How many are at or before a position. */
  #countTo(position: number): number {
    let [low, high] = [0, this.#kept.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (itemAt(this.#kept, middle).position <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Of the inner ones, that which leaves the smallest gap for its distance from the present. */
  #leastUseful(present: number): number {
    let best = 1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 1; i < this.#kept.length - 1; i++) {
      const gap = itemAt(this.#kept, i + 1).work - itemAt(this.#kept, i - 1).work;
      const distance = Math.abs(present - itemAt(this.#kept, i).work) + 1;
      if (gap / distance < least) {
        least = gap / distance;
        best = i;
      }
    }
    return best;
  }

  #drop(at: number): void {
    const dropped = itemAt(this.#kept, at);
    this.#kept.splice(at, 1);
    this.#bytes -= REST_BYTES;
    this.#forEachChunk(dropped.parts, (chunk) => {
      const users = present(this.#users.get(chunk), "the use of a chunk") - 1;
      if (users > 0) this.#users.set(chunk, users);
      else {
        this.#users.delete(chunk);
        this.#bytes -= chunk.byteLength;
      }
    });
  }

  #forEachChunk(parts: readonly ChunkedPart[], visit: (chunk: WordArray) => void): void {
    for (const { arrays } of parts) {
      for (const { chunks } of Object.values(arrays)) for (const chunk of chunks) visit(chunk);
    }
  }
}

function chunked({ name, arrays }: PartSnapshot, neighbour: ChunkedPart | undefined): ChunkedPart {
  const made: Record<string, { length: number; chunks: Chunks }> = {};
  for (const [key, array] of Object.entries(arrays)) {
    const like = neighbour?.arrays[key]?.chunks;
    const chunks: WordArray[] = [];
    for (let from = 0; from < array.length; from += CHUNK_WORDS) {
      const piece = array.subarray(from, from + CHUNK_WORDS);
      const old = like?.[chunks.length];
      chunks.push(old !== undefined && areEqual(old, piece) ? old : piece.slice());
    }
    made[key] = { length: array.length, chunks };
  }
  return { name, arrays: made };
}

function whole({ name, arrays }: ChunkedPart): PartSnapshot {
  const made: Record<string, WordArray> = {};
  for (const [key, { length, chunks }] of Object.entries(arrays)) {
    const array =
      chunks[0] instanceof Float64Array ? new Float64Array(length) : new Int32Array(length);
    chunks.forEach((chunk, i) => {
      array.set(chunk, i * CHUNK_WORDS);
    });
    made[key] = array;
  }
  return { name, arrays: made };
}

function areEqual(a: WordArray, b: WordArray): boolean {
  if (a.byteLength !== b.byteLength) return false;
  return bytesOf(a).equals(bytesOf(b));
}

function bytesOf({ buffer, byteOffset, byteLength }: WordArray): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
