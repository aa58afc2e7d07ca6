/**
 * Blocks of runs and their coding. A run is a number of consecutive accesses of one kind to one
 * page. Pages are coded as the difference from the last page of the same kind, because code and
 * data are far apart but each is near its own last place.
 */
import { byteAt, numberAt, wordAt } from "../../src/lookup.ts";
import { Place } from "./bufferParts.ts";
import { EVENTS_MAX, EventList } from "./events.ts";
import { RUN_BYTES_MAX, RUN_LENGTH_MAX, RUNS_MAX, TRACE_PAGES_MAX } from "./format.ts";

/** Where runs go. */
export interface RunSink {
  /**
   * @param page 0 to 2^52 - 1
   * @param kind as AccessKind
   * @param length accesses, 1 to RUN_LENGTH_MAX
   */
  run(page: number, kind: number, length: number): void;
}

/** Where goes what happens between runs; of a machine's trace alone. */
export interface EventSink {
  /** It happens before the next run. @param type one of EventType, whose numbers these are */
  event(type: number, a: number, b: number): void;
}

/** A block of runs, decoded. The arrays are reused for the next block. */
export class RunBlock {
  count = 0;
  /** Accesses of all runs. */
  accesses = 0;
  readonly pages: Float64Array;
  readonly kinds: Uint8Array;
  readonly lengths: Int32Array;
  /** What happens between the runs; only a machine's trace has any. */
  readonly events: EventList;

  /** @param place where its arrays are taken from; default: memory of its own */
  constructor(runs = RUNS_MAX, events = EVENTS_MAX, place: Place = new Place()) {
    this.pages = place.doubles(runs);
    this.events = new EventList(events, place);
    this.lengths = place.words(runs);
    this.kinds = place.bytes(runs);
  }
}

const LENGTH_FOLLOWS = 4;
const MORE = 128;

/**
 * Codes a block.
 * @param bytes at least block.count * RUN_BYTES_MAX
 * @returns bytes used.
 */
export function encodeRuns(block: RunBlock, bytes: Uint8Array): number {
  const last = new Float64Array(4);
  const { pages, kinds, lengths, count } = block;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const kind = byteAt(kinds, i);
    const page = numberAt(pages, i);
    const length = wordAt(lengths, i);
    const difference = page - numberAt(last, kind);
    last[kind] = page;
    // Zigzag: small differences of either sign are small numbers. At most 53 bits.
    let zigzag = difference < 0 ? -2 * difference - 1 : 2 * difference;
    const head = kind | (length > 1 ? LENGTH_FOLLOWS : 0) | ((zigzag % 16) << 3);
    zigzag = Math.floor(zigzag / 16);
    bytes[at++] = zigzag > 0 ? head | MORE : head;
    if (zigzag > 0) at = putVarint(bytes, at, zigzag);
    if (length > 1) at = putVarint(bytes, at, length - 2);
  }
  return at;
}

function putVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= MORE; rest = Math.floor(rest / MORE)) bytes[at++] = (rest % MORE) | MORE;
  bytes[at++] = rest;
  return at;
}

/**
 * Decodes a block of `count` runs, which must take all of `bytes`.
 * @returns why the bytes are none; undefined if all is well. The block is only then of use.
 */
export function decodeRuns(bytes: Uint8Array, count: number, block: RunBlock): string | undefined {
  if (count > RUNS_MAX || bytes.length > count * RUN_BYTES_MAX) return "too many runs";
  const last = new Float64Array(4);
  const { pages, kinds, lengths } = block;
  const end = bytes.length;
  let at = 0;
  let accesses = 0;
  for (let i = 0; i < count; i++) {
    if (at >= end) return "the runs end too early";
    const head = byteAt(bytes, at++);
    const kind = head & 3;
    let zigzag = (head >>> 3) & 15;
    if (head >= MORE) {
      let unit = 16;
      let byte = MORE;
      for (; byte >= MORE; unit *= MORE) {
        if (at >= end || unit > 2 ** 46) return "a page number does not end";
        byte = byteAt(bytes, at++);
        zigzag += (byte & 127) * unit;
      }
    }
    const odd = zigzag % 2;
    const page = numberAt(last, kind) + (odd === 1 ? -(zigzag + 1) / 2 : zigzag / 2);
    if (page < 0 || page >= TRACE_PAGES_MAX) return "a page number is out of range";
    let length = 1;
    if ((head & LENGTH_FOLLOWS) !== 0) {
      length = 2;
      let unit = 1;
      let byte = MORE;
      for (; byte >= MORE; unit *= MORE) {
        if (at >= end || unit > 2 ** 28) return "a run length does not end";
        byte = byteAt(bytes, at++);
        length += (byte & 127) * unit;
      }
      if (length > RUN_LENGTH_MAX) return "a run is too long";
    }
    last[kind] = page;
    pages[i] = page;
    kinds[i] = kind;
    lengths[i] = length;
    accesses += length;
  }
  if (at !== end) return "bytes are left over after the runs";
  block.count = count;
  block.accesses = accesses;
  return undefined;
}
