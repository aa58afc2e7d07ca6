/**
 * External merge sort of fixed-length records with random keys, as Hadoop's sort does it: runs of a
 * buffer's length are read, sorted in place and written; then so many runs at a time are merged, pass
 * after pass. Files stay in the guest's page cache. Then it begins again with the same input.
 *
 *   pages: input | buffer | runs | merged runs   (passes alternate between the last two)
 */

import { z } from "zod";
import { AccessKind } from "../../src/hardware/accessLoop.ts";
import type { WordArray } from "../../src/hardware/part.ts";
import { numberAt, numbers } from "../../src/lookup.ts";
import { countField, pagesField } from "./generator.ts";
import { LINE_BYTES, PAGE_BYTES, Program, programFields } from "./program.ts";

export const externalSortSchema = z
  .strictObject({
    kind: z.literal("externalSort"),
    dataPages: pagesField.max(1 << 26).describe("the input in 4 KiB pages"),
    bufferPages: pagesField
      .max(1 << 26)
      .default(25_600)
      .describe("length of a sorted run; Hadoop's mapreduce.task.io.sort.mb is 100 MB"),
    fanIn: z
      .int()
      .min(2)
      .max(1000)
      .default(10)
      .describe("runs merged at once; Hadoop's mapreduce.task.io.sort.factor is 10"),
    recordBytes: z.int().min(8).max(PAGE_BYTES).default(100).describe("length of a record"),
    accessesPerRecord: countField
      .max(1_000_000)
      .default(10)
      .describe("other work for each record and pass, as accesses to one page"),
    ...programFields,
  })
  .refine((config) => config.bufferPages <= config.dataPages, {
    path: ["bufferPages"],
    message: "the buffer cannot be larger than the data",
  })
  .describe("external merge sort: sorted runs, then merges");

export type ExternalSortConfig = z.infer<typeof externalSortSchema>;

const Phase = { load: 0, sort: 1, store: 2, merge: 3 } as const;

/** Places in `at`. */
const PHASE = 0;
/** Page of the input where the present run begins; records merged in the present pass. */
const RUN = 1;
/** Turn within a phase. */
const TURN = 2;
/** Quicksort: depth-first over halves; level and number of the present one, and pages of it done. */
const LEVEL = 3;
const NUMBER = 4;
const DONE = 5;
/** Merge: pass, length of its input runs in pages, first page of the present group. */
const PASS = 6;
const LENGTH = 7;
const GROUP = 8;
const COUNTERS = 9;

export class ExternalSort extends Program {
  protected override readonly at = numbers(COUNTERS);
  private readonly data: number;
  private readonly buffer: number;
  private readonly fanIn: number;
  private readonly record: number;
  private readonly work: number;
  /** Bytes of each run of the group that were merged. */
  private readonly merged: Float64Array;

  constructor(name: string, config: ExternalSortConfig, seed: number) {
    // One more page: where each record is worked on.
    super(name, 3 * config.dataPages + config.bufferPages + 1, config, seed);
    this.data = config.dataPages;
    this.buffer = config.bufferPages;
    this.fanIn = config.fanIn;
    this.record = config.recordBytes;
    this.work = config.accessesPerRecord;
    this.merged = new Float64Array(config.fanIn);
  }

  override arrays(): Record<string, WordArray> {
    return { ...super.arrays(), merged: this.merged };
  }

  protected override step(): void {
    switch (this.at[PHASE]) {
      case Phase.load:
        this.copy(0, this.at[RUN], this.data, Phase.sort);
        break;
      case Phase.sort:
        this.sort();
        break;
      case Phase.store:
        this.copy(this.data, 0, this.data + this.buffer + this.at[RUN], Phase.merge);
        break;
      default:
        this.merge();
    }
  }

  /** Pages of the present run: the last one may be shorter. */
  private runPages(): number {
    return Math.min(this.buffer, this.data - this.at[RUN]);
  }

  private page(page: number, kind: number, accesses = PAGE_BYTES / LINE_BYTES): void {
    this.use(page * PAGE_BYTES, PAGE_BYTES, kind, PAGE_BYTES / accesses);
  }

  /** Copies a run, page by page, with the work on its records. */
  private copy(base: number, offset: number, to: number, next: number): void {
    const { at } = this;
    const turn = at[TURN];
    const page = Math.floor(turn / 3);
    if (page >= this.runPages()) {
      at[TURN] = 0;
      if (next === Phase.merge) this.stored();
      else at[PHASE] = next;
      return;
    }
    at[TURN] = turn + 1;
    if (turn % 3 === 0) this.page(base + offset + page, AccessKind.read);
    else if (turn % 3 === 1) this.page(to + page, AccessKind.write);
    else this.workOn(PAGE_BYTES / this.record);
  }

  private workOn(records: number): void {
    const accesses = Math.max(1, Math.round(records * this.work));
    this.page(this.pages - 1, AccessKind.readModifyWrite, accesses);
  }

  private stored(): void {
    const { at, data, buffer } = this;
    at[RUN] += buffer;
    at[PHASE] = Phase.load;
    if (at[RUN] < data) return;
    at[RUN] = 0;
    if (data <= buffer) return;
    at[PHASE] = Phase.merge;
    at[PASS] = 0;
    at[LENGTH] = buffer;
    at[GROUP] = 0;
    this.merged.fill(0);
  }

  /**
   * Quicksort of the buffer with pivots that halve. A partition's pass goes from both ends to the
   * middle. Parts of a page or less are sorted within the page, in log2(records) more passes.
   */
  private sort(): void {
    const { at } = this;
    const pages = this.runPages();
    const level = at[LEVEL];
    const halves = 2 ** level;
    const first = Math.floor((pages * at[NUMBER]) / halves);
    const end = Math.floor((pages * (at[NUMBER] + 1)) / halves);
    const done = at[DONE];
    if (end - first > 1) {
      if (done < end - first) {
        const page = (done & 1) === 0 ? first + (done >> 1) : end - 1 - (done >> 1);
        at[DONE] = done + 1;
        this.page(this.data + page, AccessKind.readModifyWrite);
        return;
      }
      at[DONE] = 0;
      at[LEVEL] = level + 1;
      at[NUMBER] *= 2;
      return;
    }
    this.nextPart();
    if (end === first) return;
    const records = Math.floor(PAGE_BYTES / this.record);
    const passes = Math.max(1, 32 - Math.clz32(records - 1));
    this.page(this.data + first, AccessKind.readModifyWrite, (passes * PAGE_BYTES) / LINE_BYTES);
  }

  /** Depth first: up while this was a right half, then to the right half beside it. */
  private nextPart(): void {
    const { at } = this;
    while (at[LEVEL] > 0 && at[NUMBER] % 2 === 1) {
      at[LEVEL] -= 1;
      at[NUMBER] = (at[NUMBER] - 1) / 2;
    }
    if (at[LEVEL] === 0) {
      at[NUMBER] = 0;
      at[PHASE] = Phase.store;
    } else {
      at[NUMBER] += 1;
    }
  }

  /** Of random keys, each run of a group is as likely to have the next record. */
  private merge(): void {
    const { at, data, buffer, fanIn, record, merged } = this;
    const source = data + buffer + (at[PASS] % 2 === 0 ? 0 : data);
    const target = data + buffer + (at[PASS] % 2 === 0 ? data : 0);
    const group = at[GROUP];
    const length = at[LENGTH];
    const out = at[RUN];
    if (at[TURN] === 1) {
      at[TURN] = 2;
      at[RUN] = out + record;
      this.use((target + group) * PAGE_BYTES + out, record, AccessKind.write);
      return;
    }
    if (at[TURN] === 2) {
      at[TURN] = 0;
      this.workOn(1);
      return;
    }
    const groupPages = Math.min(length * fanIn, data - group);
    if (out + record > groupPages * PAGE_BYTES) {
      this.nextGroup(groupPages);
      return;
    }
    const runs = Math.ceil(groupPages / length);
    let from = this.random.below(runs);
    // An exhausted run has no more records: the next one has.
    for (let tried = 0; tried < runs; tried++, from = (from + 1) % runs) {
      const bytes = Math.min(length, groupPages - from * length) * PAGE_BYTES;
      if (numberAt(merged, from) + record <= bytes) break;
    }
    const bytes = Math.min(length, groupPages - from * length) * PAGE_BYTES;
    if (numberAt(merged, from) + record > bytes) {
      this.nextGroup(groupPages);
      return;
    }
    const address = (source + group + from * length) * PAGE_BYTES + numberAt(merged, from);
    merged[from] = numberAt(merged, from) + record;
    at[TURN] = 1;
    this.use(address, record, AccessKind.read);
  }

  private nextGroup(groupPages: number): void {
    const { at, data, fanIn } = this;
    this.merged.fill(0);
    at[RUN] = 0;
    at[GROUP] += groupPages;
    if (at[GROUP] < data) return;
    at[GROUP] = 0;
    at[LENGTH] *= fanIn;
    at[PASS] += 1;
    if (at[LENGTH] >= data) at[PHASE] = Phase.load;
  }
}
