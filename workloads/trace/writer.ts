/** Writes trace files: collects runs into blocks and counts what the end marker says. */

import { deflateRawSync } from "node:zlib";
import { itemAt } from "../../src/lookup.ts";
import { EVENT_BYTES_MAX, EVENTS_MAX, encodeEvents } from "./events.ts";
import {
  EVENTS_PREFIX_BYTES,
  encodeFrame,
  encodeHeader,
  encodePreamble,
  encodeTotals,
  extendDigest,
  FrameType,
  RUN_BYTES_MAX,
  RUNS_MAX,
  RUNS_PREFIX_BYTES,
  type TraceHeader,
  type TraceTotals,
  totalAccesses,
} from "./format.ts";
import { encodeText, TEXT_BYTES_MAX } from "./printed.ts";
import { createRelocation, REGION_PAGES } from "./relocate.ts";
import { encodeRuns, RunBlock, type RunSink } from "./runs.ts";

export class TraceWriter implements RunSink {
  /** Counts so far; complete after finish(). */
  readonly totals: TraceTotals = {
    runs: 0,
    kinds: [0, 0, 0, 0],
    pages: 0,
    regions: 0,
    skippedLines: 0,
    digest: 0,
  };
  private readonly emit: (bytes: Uint8Array) => void;
  private readonly header: () => TraceHeader;
  private readonly runsPerBlock: number;
  private readonly block = new RunBlock();
  private readonly encoded = Buffer.alloc(RUNS_MAX * RUN_BYTES_MAX);
  private readonly pages = createRelocation("compact");
  private readonly regions = createRelocation("regions");
  private readonly lastPages = new Float64Array(4).fill(-1);
  /** What was printed since the last block, and between which accesses. */
  private texts: { readonly accesses: number; readonly bytes: Uint8Array }[] = [];
  private sequence = 0;
  private isMachine = false;

  /**
   * @param emit takes the bytes of the file, in order
   * @param header asked when the first block is full, so that it may depend on the source's first lines
   */
  constructor(
    emit: (bytes: Uint8Array) => void,
    header: () => TraceHeader,
    runsPerBlock: number = RUNS_MAX,
  ) {
    this.emit = emit;
    this.header = header;
    this.runsPerBlock = Math.min(runsPerBlock, RUNS_MAX);
  }

  /** @throws UserError if the trace uses more pages or regions than a guest can have. */
  run(page: number, kind: number, length: number): void {
    const { block, totals } = this;
    // Most runs are on the page of the last run of their kind.
    if (this.lastPages[kind] !== page) {
      this.lastPages[kind] = page;
      this.pages.linearPage(page);
      this.regions.linearPage(page);
    }
    const i = block.count++;
    block.pages[i] = page;
    block.kinds[i] = kind;
    block.lengths[i] = length;
    block.accesses += length;
    totals.runs++;
    totals.kinds[kind] = itemAt(totals.kinds, kind) + length;
    if (block.count === this.runsPerBlock) this.flush();
  }

  /** Something happens before the next run: of a machine's trace alone. @param type one of EventType */
  event(type: number, a: number, b = 0): void {
    const { block } = this;
    block.events.add(block.count, type, a, b);
    if (block.events.count === EVENTS_MAX) this.flush();
  }

  /** Something is printed before the next access. The header has to say that there is a console. */
  print(text: Uint8Array): void {
    const { accesses } = this;
    for (let at = 0; at < text.length; at += TEXT_BYTES_MAX) {
      this.texts.push({ accesses, bytes: text.slice(at, at + TEXT_BYTES_MAX) });
    }
  }

  /** Writes what is left and the end marker. */
  finish(skippedLines: number): void {
    this.flush();
    this.totals.skippedLines = skippedLines;
    this.totals.pages = this.pages.pages;
    this.totals.regions = this.regions.pages / REGION_PAGES;
    this.frame(FrameType.end, encodeTotals(this.totals));
  }

  get accesses(): number {
    return totalAccesses(this.totals.kinds);
  }

  private flush(): void {
    if (this.sequence === 0) {
      const header = this.header();
      this.isMachine = header.addresses === "machine";
      this.emit(encodePreamble(header));
      this.frame(FrameType.header, encodeHeader(header));
    }
    const { block } = this;
    if (block.count > 0 || block.events.count > 0) this.writeBlock();
    for (const { accesses, bytes } of this.texts) {
      this.frame(FrameType.text, encodeText(accesses, bytes));
    }
    this.texts = [];
  }

  private writeBlock(): void {
    const { block, encoded } = this;
    const size = encodeRuns(block, encoded);
    const prefix = Buffer.alloc(RUNS_PREFIX_BYTES);
    prefix.writeUInt32LE(block.count, 0);
    prefix.writeUInt32LE(size, 4);
    prefix.writeBigUInt64LE(BigInt(block.accesses), 8);
    const events = this.events();
    const content = Buffer.concat([encoded.subarray(0, size), events.bytes]);
    const checksum = this.frame(
      FrameType.runs,
      Buffer.concat([prefix, events.prefix, deflateRawSync(content)]),
    );
    this.totals.digest = extendDigest(this.totals.digest, checksum);
    block.count = 0;
    block.accesses = 0;
    block.events.count = 0;
  }

  /** What a machine's block has beside its runs; others have nothing. */
  private events(): { readonly prefix: Buffer; readonly bytes: Buffer } {
    const none = Buffer.alloc(0);
    if (!this.isMachine) return { prefix: none, bytes: none };
    const { events } = this.block;
    const bytes = Buffer.alloc(events.count * EVENT_BYTES_MAX);
    const used = encodeEvents(events, bytes);
    const prefix = Buffer.alloc(EVENTS_PREFIX_BYTES);
    prefix.writeUInt32LE(events.count, 0);
    prefix.writeUInt32LE(used, 4);
    return { prefix, bytes: bytes.subarray(0, used) };
  }

  private frame(type: number, payload: Buffer): number {
    const frame = encodeFrame(type, this.sequence++, payload);
    this.emit(frame);
    this.emit(payload);
    return frame.readUInt32LE(12);
  }
}
