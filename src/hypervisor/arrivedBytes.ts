/**
 * The bytes of the pages that have arrived where a guest is to go on: at the destination of a migration, in a checkpoint. What they are follows from their digests, which are state;
 * the bytes themselves are kept once for each digest, so that a saved state takes two words a page.
 */
import { createHash } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import { UserError } from "../errors.ts";
import type { Part, WordArray } from "../hardware/part.ts";
import { numberAt, numbers, wordAt } from "../lookup.ts";
import { PAGE_BYTES } from "./migration/stats.ts";

/** Pages that are read at a time where all are. */
const READ_PAGES = 256;
/** Words of a digest of all of a memory. */
const HASH_WORDS = 8;

/** What was counted, since all was empty. */
const Count = { zeroPages: 0, deflatedBytes: 1, stateBytes: 2 } as const;

/** The source's memory, page after page. */
export type ReadPages = (pages: readonly number[]) => Uint8Array;

/** What the bytes of a migration, or of checkpoints, say. */
export interface BytesResult {
  /** Of the pages that were sent, those of zeros; and bytes of all, each page compressed by itself. */
  readonly zeroPages: number;
  readonly deflatedBytes: number;
  /** Of the processor and the devices. */
  readonly stateBytes: number;
  /** SHA-256 of the whole memory, of the source when it was suspended last and of what had arrived; empty before. */
  readonly source: string;
  readonly destination: string;
}

export class ArrivedBytes implements Part {
  readonly name: string;
  readonly #pages: number;
  /** Two words a page: of its digest; 0 and 0 if it is of zeros, or has not arrived. */
  readonly #digests: Int32Array;
  readonly #counts = numbers(3);
  /** Of the source, and of what has arrived. */
  readonly #hashes = new Int32Array(2 * HASH_WORDS);
  readonly #bytes = new Map<string, Uint8Array>();

  constructor(name: string, pages: number) {
    this.name = name;
    this.#pages = pages;
    this.#digests = new Int32Array(2 * pages);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { digests: this.#digests, counts: this.#counts, hashes: this.#hashes };
  }

  /** Another host, which has nothing of the guest yet. */
  empty(): void {
    this.#digests.fill(0);
    this.#counts.fill(0);
    this.#hashes.fill(0);
  }

  /** Pages arrive. @param bytes page after page; @returns how many of them are of zeros */
  arrive(pages: readonly number[], bytes: Uint8Array): number {
    let zero = 0;
    for (const [i, page] of pages.entries()) {
      const content = bytes.subarray(PAGE_BYTES * i, PAGE_BYTES * (i + 1));
      this.#count(Count.deflatedBytes, deflateRawSync(content, { level: 1 }).length);
      if (isZero(content)) {
        zero++;
        this.#digests.fill(0, 2 * page, 2 * page + 2);
        continue;
      }
      const digest = createHash("sha256").update(content).digest();
      const words = [digest.readInt32LE(0), digest.readInt32LE(4)] as const;
      const key = words.join();
      if (!this.#bytes.has(key)) this.#bytes.set(key, content.slice());
      this.#digests.set(words, 2 * page);
    }
    this.#count(Count.zeroPages, zero);
    return zero;
  }

  /** The memory of the machine that is to go on: what has arrived, and zeros. */
  memory(): Uint8Array {
    const memory = new Uint8Array(PAGE_BYTES * this.#pages);
    for (let page = 0; page < this.#pages; page++) {
      const bytes = this.page(page);
      if (bytes !== null) memory.set(bytes, PAGE_BYTES * page);
    }
    return memory;
  }

  /** A page as it has arrived; null: it is of zeros, or has not. */
  page(page: number): Uint8Array | null {
    const words = [wordAt(this.#digests, 2 * page), wordAt(this.#digests, 2 * page + 1)];
    if (words[0] === 0 && words[1] === 0) return null;
    const bytes = this.#bytes.get(words.join());
    // A saved state has digests alone.
    if (bytes !== undefined) return bytes;
    throw new UserError(`${this.name}: page ${page} has arrived in another run than this one`);
  }

  /** Which pages have arrived, as what; to be put back by replace(). */
  get arrivals(): Int32Array {
    return this.#digests.slice();
  }

  /** What has arrived is what had then. @param arrivals of before, of this or of a copy of it */
  replace(arrivals: Int32Array): void {
    this.#digests.set(arrivals);
  }

  /**
   * Compares what has arrived with the source, which has not run since it was suspended.
   * @param memory as memory() gives it; @param stateBytes of the processor and the devices
   * @returns the first page that differs, or -1
   */
  compare(memory: Uint8Array, read: ReadPages, stateBytes: number): number {
    const source = createHash("sha256");
    let first = -1;
    for (let page = 0; page < this.#pages; page += READ_PAGES) {
      const length = Math.min(READ_PAGES, this.#pages - page);
      const bytes = read(Array.from({ length }, (_, i) => page + i));
      source.update(bytes);
      const arrived = memory.subarray(PAGE_BYTES * page, PAGE_BYTES * (page + length));
      if (first < 0 && Buffer.compare(bytes, arrived) !== 0) {
        first = page + Math.floor(bytes.findIndex((byte, i) => byte !== arrived[i]) / PAGE_BYTES);
      }
    }
    this.#counts[Count.stateBytes] = stateBytes;
    this.#note(0, source.digest());
    this.#note(1, createHash("sha256").update(memory).digest());
    return first;
  }

  get result(): BytesResult {
    return {
      zeroPages: numberAt(this.#counts, Count.zeroPages),
      deflatedBytes: numberAt(this.#counts, Count.deflatedBytes),
      stateBytes: numberAt(this.#counts, Count.stateBytes),
      source: this.#hash(0),
      destination: this.#hash(1),
    };
  }

  #count(what: number, more: number): void {
    this.#counts[what] = numberAt(this.#counts, what) + more;
  }

  #note(which: number, digest: Buffer): void {
    for (let i = 0; i < HASH_WORDS; i++) {
      this.#hashes[HASH_WORDS * which + i] = digest.readInt32BE(4 * i);
    }
  }

  #hash(which: number): string {
    const words = this.#hashes.subarray(HASH_WORDS * which, HASH_WORDS * (which + 1));
    if (words.every((word) => word === 0)) return "";
    return Array.from(words, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
