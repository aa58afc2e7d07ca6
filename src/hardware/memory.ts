/**
 * Host-physical memory. Frames that hold paging structures or logs have real bytes, as words of one
 * array in the layout of the architecture: entry i of frame f is the low word at f * frameWords + 2i
 * and the high word after it. Guest data frames have numbers from DATA_FRAME_BASE on, and no bytes. A log
 * may lie in any frame: those that were not handed out have bytes as soon as an entry is stored there.
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
  readonly statistics = [{ array: "state", from: 1 }];
  readonly settings = ["words", "state"];
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
    this.tableMarks = new Uint8Array(frames + 1);
    this.state = Int32Array.of(1, 0);
  }

  /** 1 for each frame with an EPT table that some leaf-table cache was filled through. */
  tableMarks: Uint8Array;
  /** Frames with bytes that were never handed out, and their words, frame by frame; with room for more. */
  #strayFrames = new Float64Array(0);
  #strayWords = new Int32Array(0);
  #strays = 0;
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
    this.tableMarks.fill(0);
  }

  /** The low and the high word of entry `index` of any frame; zeros where nothing was ever stored. */
  readEntry(frame: number, index: number): readonly [low: number, high: number] {
    const { words } = this;
    if (frame >= 0 && frame < this.framesUsed) {
      const word = frame * this.frameWords + 2 * index;
      return [words[word]!, words[word + 1]!];
    }
    const stray = this.#findStray(frame);
    if (stray < 0) return [0, 0];
    const word = stray * this.frameWords + 2 * index;
    return [this.#strayWords[word]!, this.#strayWords[word + 1]!];
  }

  /**
   * A store by the processor of a 64-bit entry that is no update of the flags of an EPT entry, to any frame. An
   * EPT table may be there.
   */
  storeEntry(frame: number, index: number, low: number, high: number): void {
    if (frame >= this.framesUsed) {
      const word = this.#stray(frame) * this.frameWords + 2 * index;
      this.#strayWords[word] = low;
      this.#strayWords[word + 1] = high;
      return;
    }
    const word = frame * this.frameWords + 2 * index;
    this.storeWord(word, low);
    this.storeWord(word + 1, high);
    if (this.tableMarks[frame] === 1) this.structureChanged();
  }

  /** A store by the processor to memory with bytes, noted in the rolling digest. */
  storeWord(word: number, value: number): void {
    this.words[word] = value;
    this.state[1] = Math.imul(this.state[1]! ^ word, 0x01000193) ^ value;
  }

  /** A store to a guest paging structure; an EPT table may be in the same frame. */
  storeStructureWord(word: number, value: number): void {
    this.storeWord(word, value);
    if (this.tableMarks[Math.floor(word / this.frameWords)] === 1) this.structureChanged();
  }

  #findStray(frame: number): number {
    // The present frame of a log is the one that came last.
    for (let i = this.#strays - 1; i >= 0; i--) if (this.#strayFrames[i] === frame) return i;
    return -1;
  }

  /** Position of a frame among those that were not handed out. */
  #stray(frame: number): number {
    const found = this.#findStray(frame);
    if (found >= 0) return found;
    const position = this.#strays;
    if (position === this.#strayFrames.length) this.#setStrayRoom(2 * position + 1);
    this.#strays = position + 1;
    this.#strayFrames[position] = frame;
    return position;
  }

  /** Frames that are handed out are zeroed: what was stored there before is gone. */
  #dropStray(first: number, end: number): void {
    const old = this.#strayFrames.subarray(0, this.#strays);
    if (!old.some((frame) => frame >= first && frame < end)) return;
    const words = this.#strayWords;
    this.#setStrayRoom(0);
    old.forEach((frame, i) => {
      if (frame >= first && frame < end) return;
      const kept = this.#stray(frame) * this.frameWords;
      this.#strayWords.set(words.subarray(i * this.frameWords, (i + 1) * this.frameWords), kept);
    });
  }

  /** Keeps as many of them as there will be room for. */
  #setStrayRoom(frames: number): void {
    this.#strays = Math.min(this.#strays, frames);
    const known = this.#strayFrames.subarray(0, this.#strays);
    const words = this.#strayWords.subarray(0, this.#strays * this.frameWords);
    this.#strayFrames = new Float64Array(frames);
    this.#strayFrames.set(known);
    this.#strayWords = new Int32Array(frames * this.frameWords);
    this.#strayWords.set(words);
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
    this.#dropStray(first, end);
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
    const marks = new Uint8Array(grown.length / this.frameWords);
    marks.set(this.tableMarks);
    this.tableMarks = marks;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const words = this.words.subarray(0, this.framesUsed * this.frameWords);
    if (this.#strays === 0) return { state: this.state, words };
    return {
      state: this.state,
      words,
      strayFrames: this.#strayFrames.subarray(0, this.#strays),
      strayWords: this.#strayWords.subarray(0, this.#strays * this.frameWords),
    };
  }

  resize(lengths: Readonly<Record<string, number>>): void {
    const frames = (lengths["words"] ?? 0) / this.frameWords;
    this.#reserve(frames);
    // What lies beyond is handed out later, and allocate() promises zeroes.
    this.words.fill(0, frames * this.frameWords);
    this.state[0] = frames;
    const strays = lengths["strayFrames"] ?? 0;
    this.#setStrayRoom(strays);
    this.#strays = strays;
    this.structureChanged();
  }
}
