/**
 * What the models of real programs share. A program works on stretches of memory: a part of a
 * matrix column, a record of a file. A stretch becomes one run of accesses for each of its pages.
 */

import { z } from "zod";
import type { WordArray } from "../../src/hardware/part.ts";
import { numbers, words } from "../../src/lookup.ts";
import { commonFields, Generator } from "./generator.ts";

export const PAGE_BYTES = 4096;
/** What an access moves unless a program says otherwise: a cache line. */
export const LINE_BYTES = 64;

/**
 * With the 4 cycles of an access itself this is 100 cycles for each line that a program moves, and
 * what it does with it: 1.5 GB/s at 2.4 GHz. Assumed (docs/workloads.md).
 */
const LINE_GAP = 96;

export const programFields = {
  ...commonFields,
  gap: z
    .int()
    .min(0)
    .max(1_000_000_000)
    .default(LINE_GAP)
    .describe("cycles of other work before each access, which stands for a cache line moved"),
};

/** Places in `stretch`, and in `run`. */
const ADDRESS = 0;
const BYTES = 1;
const KIND = 2;
const BYTES_PER_ACCESS = 3;
const WORD = 0;
const LEFT = 1;

/** Never ends by itself: what is done is done again. */
export abstract class Program extends Generator {
  private readonly stretch = numbers(4);
  private readonly run = words(2);
  /** Loop counters and the like: all that a program knows of where it is. */
  protected abstract readonly at: Float64Array;

  override arrays(): Record<string, WordArray> {
    return { ...super.arrays(), stretch: this.stretch, run: this.run, at: this.at };
  }

  /** Goes on by one step: calls use() once, or not at all, for instance at the end of a loop. */
  protected abstract step(): void;

  /**
   * @param address of the first byte
   * @param bytes at least one
   * @param kind of the accesses, as src/hardware/accessLoop.ts defines
   * @param bytesPerAccess fewer than a line's where the arithmetic takes longer than the move
   */
  protected use(address: number, bytes: number, kind: number, bytesPerAccess = LINE_BYTES): void {
    const { stretch } = this;
    stretch[ADDRESS] = address;
    stretch[BYTES] = bytes;
    stretch[KIND] = kind;
    stretch[BYTES_PER_ACCESS] = bytesPerAccess;
  }

  protected override generate(block: Int32Array, count: number): void {
    const { run, stretch } = this;
    let done = 0;
    while (done < count) {
      if (run[LEFT] === 0) {
        while (stretch[BYTES] === 0) this.step();
        this.nextRun();
      }
      const word = run[WORD];
      const end = Math.min(count, done + run[LEFT]);
      run[LEFT] -= end - done;
      while (done < end) block[done++] = word;
    }
  }

  /** The part of the stretch on its first page. */
  private nextRun(): void {
    const { run, stretch } = this;
    const address = stretch[ADDRESS];
    const page = Math.floor(address / PAGE_BYTES);
    const bytes = Math.min(stretch[BYTES], (page + 1) * PAGE_BYTES - address);
    stretch[ADDRESS] = address + bytes;
    stretch[BYTES] -= bytes;
    run[WORD] = (page << 2) | stretch[KIND];
    run[LEFT] = Math.ceil(bytes / stretch[BYTES_PER_ACCESS]);
  }
}
