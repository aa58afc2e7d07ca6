/**
 * A log-structured store of records, such as HBase under YCSB, loaded ("write") or read. Files stay in
 * the guest's page cache.
 *
 * write: a put appends the record to the log, finds its place in the sorted table in memory (a skip
 * list) and appends it there. A full table is written to a new file in the order of keys; three files
 * are merged into one.
 * read: a get looks the block up in the index, reads the block, and copies the record to a buffer.
 *
 *   pages: heap | index or log | table | files | merged file
 */

import { z } from "zod";
import { AccessKind } from "../../src/hardware/accessLoop.ts";
import { numbers } from "../../src/lookup.ts";
import { Permutation } from "../permutation.ts";
import { deriveSeed } from "../random.ts";
import { ZipfSampler } from "../zipfSampler.ts";
import { countField, pagesField } from "./generator.ts";
import { LINE_BYTES, PAGE_BYTES, Program, programFields } from "./program.ts";

export const recordStoreSchema = z
  .strictObject({
    kind: z.literal("recordStore"),
    mode: z
      .enum(["read", "write"])
      .describe("read: gets of stored records; write: puts of new ones"),
    dataPages: pagesField.max(1 << 26).describe("read: the stored records in 4 KiB pages"),
    tablePages: pagesField
      .max(1 << 26)
      .default(32_768)
      .describe("write: the table in memory; hbase.hregion.memstore.flush.size is 128 MB"),
    blockPages: pagesField
      .max(1 << 16)
      .default(16)
      .describe("read: a block of a file; HBase's is 64 KB"),
    recordBytes: z
      .int()
      .min(8)
      .max(1 << 20)
      .default(1024)
      .describe("YCSB: 10 fields of 100 bytes"),
    accessesPerOperation: countField
      .max(1_000_000_000)
      .default(2400)
      .describe("other work of an operation, as accesses to the heap: 100 us at 100 cycles each"),
    heapPages: pagesField
      .max(1 << 20)
      .default(256)
      .describe("pages that all operations use for their other work"),
    ...programFields,
  })
  .describe("a log-structured record store that is loaded or read");

export type RecordStoreConfig = z.infer<typeof recordStoreSchema>;

/** hbase.hstore.compaction.min. */
const FILES = 3;
/** Log files are reused: HBase rolls them at 95 % of a 128 MB HDFS block; here one of the table's size. */
const LOG_TABLES = 1;
/** YCSB's constant for its Zipf distribution. */
const ZIPF = 0.99;
/** An entry of the block index: a key and an offset. */
const INDEX_ENTRY = 64;
/** Pages of the heap that an operation's other work is spread over. */
const HEAP_STEPS = 8;

/** Places in `at`. */
const TURN = 0;
/** Records in the table; in the log, cyclic. */
const RECORDS = 1;
const LOGGED = 2;
const FILE = 3;
/** What is under way: 0 puts, 1 a flush, 2 a merge of files; and records of it done. */
const TASK = 4;
const DONE = 5;
/** The present get's block. */
const BLOCK = 6;
const COUNTERS = 7;

export class RecordStore extends Program {
  protected override readonly at = numbers(COUNTERS);
  private readonly config: RecordStoreConfig;
  private readonly perTable: number;
  private readonly index: number;
  private readonly table: number;
  private readonly files: number;
  private readonly order: Permutation;
  private readonly popularity: ZipfSampler;
  private readonly places: Permutation;

  constructor(name: string, config: RecordStoreConfig, seed: number) {
    const { mode, dataPages, tablePages, blockPages, heapPages, recordBytes } = config;
    const blocks = Math.ceil(dataPages / blockPages);
    const indexPages = Math.ceil((blocks * INDEX_ENTRY) / PAGE_BYTES);
    const reads = mode === "read";
    const table = heapPages + (reads ? indexPages : LOG_TABLES * tablePages);
    const files = table + (reads ? 1 : tablePages);
    const pages = files + (reads ? blocks * blockPages : 2 * FILES * tablePages);
    super(name, pages, config, seed);
    this.config = config;
    this.index = heapPages;
    this.table = table;
    this.files = files;
    this.perTable = Math.max(1, Math.floor((tablePages * PAGE_BYTES) / recordBytes));
    this.order = new Permutation(this.perTable, deriveSeed(seed, "keys"));
    this.popularity = new ZipfSampler(blocks, ZIPF);
    this.places = new Permutation(blocks, deriveSeed(seed, "blocks"));
  }

  protected override step(): void {
    if (this.config.mode === "read") this.get();
    else if (this.at[TASK] === 1) this.flush();
    else if (this.at[TASK] === 2) this.merge();
    else this.store();
  }

  private otherWork(): void {
    const { heapPages, accessesPerOperation } = this.config;
    const accesses = Math.max(1, Math.round(accessesPerOperation / HEAP_STEPS));
    const page = this.random.below(heapPages);
    this.use(page * PAGE_BYTES, PAGE_BYTES, AccessKind.readModifyWrite, PAGE_BYTES / accesses);
  }

  private get(): void {
    const { at, config, index, table, files } = this;
    const { blockPages, recordBytes } = config;
    const turn = at[TURN];
    at[TURN] = turn + 1;
    if (turn < HEAP_STEPS) this.otherWork();
    else if (turn === HEAP_STEPS) {
      at[BLOCK] = this.places.at(this.popularity.draw(this.random) - 1);
      this.use(index * PAGE_BYTES + at[BLOCK] * INDEX_ENTRY, INDEX_ENTRY, AccessKind.read);
    } else if (turn === HEAP_STEPS + 1) {
      const bytes = blockPages * PAGE_BYTES;
      this.use(files * PAGE_BYTES + at[BLOCK] * bytes, bytes, AccessKind.read);
    } else {
      // Answers go through one page.
      const bytes = Math.min(recordBytes, PAGE_BYTES);
      this.use(table * PAGE_BYTES, bytes, AccessKind.write);
      at[TURN] = 0;
    }
  }

  private store(): void {
    const { at, config, index, table } = this;
    const { recordBytes, tablePages } = config;
    const records = at[RECORDS];
    const turn = at[TURN];
    at[TURN] = turn + 1;
    // A skip list of n records is searched in about log2(n) steps, each at another record.
    const search = 32 - Math.clz32(records + 1);
    if (turn < HEAP_STEPS) this.otherWork();
    else if (turn === HEAP_STEPS) {
      const logBytes = LOG_TABLES * tablePages * PAGE_BYTES;
      if ((at[LOGGED] + 1) * recordBytes > logBytes) at[LOGGED] = 0;
      this.use(index * PAGE_BYTES + at[LOGGED] * recordBytes, recordBytes, AccessKind.write);
      at[LOGGED] += 1;
    } else if (turn <= HEAP_STEPS + search) {
      const other = this.random.below(records + 1);
      const bytes = Math.min(LINE_BYTES, recordBytes);
      this.use(table * PAGE_BYTES + other * recordBytes, bytes, AccessKind.read);
    } else {
      this.use(table * PAGE_BYTES + records * recordBytes, recordBytes, AccessKind.write);
      at[TURN] = 0;
      at[RECORDS] = records + 1;
      if (records + 1 === this.perTable) this.begin(1);
    }
  }

  private begin(task: number): void {
    const { at } = this;
    at[TASK] = task;
    at[TURN] = 0;
    at[DONE] = 0;
  }

  /** The table in the order of keys, which is not the order of arrival, into the next file. */
  private flush(): void {
    const { at, config, table, files } = this;
    const { recordBytes, tablePages } = config;
    const done = at[DONE];
    if (at[TURN] === 0) {
      at[TURN] = 1;
      const record = this.order.at(done);
      this.use(table * PAGE_BYTES + record * recordBytes, recordBytes, AccessKind.read);
      return;
    }
    const file = (files + at[FILE] * tablePages) * PAGE_BYTES;
    this.use(file + done * recordBytes, recordBytes, AccessKind.write);
    at[TURN] = 0;
    at[DONE] = done + 1;
    if (done + 1 < this.perTable) return;
    at[RECORDS] = 0;
    at[FILE] += 1;
    this.begin(at[FILE] === FILES ? 2 : 0);
  }

  /** Keys are random: the files are gone through side by side. */
  private merge(): void {
    const { at, config, files } = this;
    const { recordBytes, tablePages } = config;
    const done = at[DONE];
    if (at[TURN] === 0) {
      at[TURN] = 1;
      const file = (files + (done % FILES) * tablePages) * PAGE_BYTES;
      this.use(file + Math.floor(done / FILES) * recordBytes, recordBytes, AccessKind.read);
      return;
    }
    const target = (files + FILES * tablePages) * PAGE_BYTES;
    this.use(target + done * recordBytes, recordBytes, AccessKind.write);
    at[TURN] = 0;
    at[DONE] = done + 1;
    if (done + 1 < FILES * this.perTable) return;
    at[FILE] = 0;
    this.begin(0);
  }
}
