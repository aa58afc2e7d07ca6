/**
 * Host-physical memory. Frames that hold paging structures or logs have real bytes, as words of one
 * array in the layout of the architecture: entry i of frame f is the low word at f * frameWords + 2i
 * and the high word after it. Guest data frames have numbers from DATA_FRAME_BASE on, and no bytes.
 */
import type { Part, WordArray } from "./part.ts";

/** First frame number without bytes: 4 GiB of paging structures and logs lie below it. */
export const DATA_FRAME_BASE = 1 << 20;

/**
 * Where the 4 KiB leaves of a region (the pages of one lowest-level table) are, for regions whose
 * upper EPT entries need no decision: it spares the emulator the loads of the upper levels, not the
 * emulated machine. Direct-mapped by region; exact, because every change to an entry above the leaves
 * calls HostMemory.structureChanged().
 */
export interface LeafTables {
  /** Region number, -1 if none. */
  readonly region: Int32Array;
  /** Word index of the region's first leaf. */
  readonly firstLeaf: Int32Array;
}

const LEAF_TABLES = 8192;

export class HostMemory implements Part {
  readonly name = "memory";
  /** Words of the frames that have bytes. Replaced when the memory grows: never keep it across an allocation. */
  words: Int32Array;
  /** 32-bit words in one frame. */
  readonly frameWords: number;
  /** [0]: frames allocated so far (frame 0 is never handed out); [1]: rolling digest of the words changed by the processor. */
  readonly state: Int32Array;

  /** @param indexBits log2 of the entries per frame. @param frames expected number of frames, to avoid growing. */
  constructor(indexBits: number, frames = 64) {
    this.frameWords = 2 << indexBits;
    this.words = new Int32Array(this.frameWords * (frames + 1));
    this.state = Int32Array.of(1, 0);
  }

  readonly #leafTables = new Map<number, LeafTables>();

  /** The leaf-table cache of the EPT with this root and these controls. */
  leafTables(root: number, controls: number): LeafTables {
    const key = root * 4 + controls;
    let tables = this.#leafTables.get(key);
    if (tables === undefined) {
      tables = {
        region: new Int32Array(LEAF_TABLES).fill(-1),
        firstLeaf: new Int32Array(LEAF_TABLES),
      };
      this.#leafTables.set(key, tables);
    }
    return tables;
  }

  /** To be called when an EPT entry above the leaves has changed, or a leaf has become a table. */
  structureChanged(): void {
    for (const tables of this.#leafTables.values()) tables.region.fill(-1);
  }

  /** Number of frames handed out, frame 0 included. */
  get framesUsed(): number {
    return this.state[0]!;
  }

  /** Allocates `count` adjacent zeroed frames and returns the number of the first. */
  allocate(count = 1): number {
    const first = this.state[0]!;
    const end = first + count;
    if (end > DATA_FRAME_BASE) throw new Error("more paging structures than 4 GiB of frames");
    this.#reserve(end);
    this.state[0] = end;
    return first;
  }

  #reserve(frames: number): void {
    const needed = frames * this.frameWords;
    if (needed <= this.words.length) return;
    const grown = new Int32Array(
      Math.max(needed, Math.min(this.words.length * 2, needed * 1.25) | 0),
    );
    grown.set(this.words);
    this.words = grown;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { state: this.state, words: this.words.subarray(0, this.framesUsed * this.frameWords) };
  }

  resize(lengths: Readonly<Record<string, number>>): void {
    const frames = (lengths["words"] ?? 0) / this.frameWords;
    this.#reserve(frames);
    // What lies beyond is handed out later, and allocate() promises zeroes.
    this.words.fill(0, frames * this.frameWords);
    this.state[0] = frames;
    this.structureChanged();
  }
}
