/**
 * What happens between the accesses of a whole machine's trace: its processor translates and flushes, time passes,
 * devices write. Each stands before a run of its block.
 */

import { byteAt, numberAt, wordAt } from "../../src/lookup.ts";
import { Place } from "./bufferParts.ts";

export const EventType = {
  /** a: a linear page; b: its translation, as TracedPaging has it. */
  translation: 0,
  /** a: a linear page >> 10; b: the page table, a guest-physical page. */
  table: 1,
  /** Translations that are not global leave the TLB. a: the page directory, a guest-physical page. */
  loadRoot: 2,
  /** All of them do. a: as above. */
  flushAll: 3,
  /** One page's does. a: the linear page. */
  flushPage: 4,
  /** What follows, up to the next of these, took a: so many instructions, with b: so many accesses. */
  pace: 5,
  /** a: instructions' worth of time in which the processor was halted. */
  idle: 6,
  /** A device has written. a: the first guest-physical page; b: pages. */
  deviceWrite: 7,
  /** A step of the machine is over: here it can be looked at, and moved. Of live guests alone: no trace has it. */
  whole: 8,
} as const;
/** Types that a trace has, and all. */
const TRACE_TYPES = EventType.whole;
export const EVENT_TYPES = TRACE_TYPES + 1;

export const EVENTS_MAX = 65536;
/** The distance from the last one, its type, and two numbers. */
export const EVENT_BYTES_MAX = 3 + 1 + 8 + 8;
/** Both numbers are less. */
const VALUES = 2 ** 52;
const MORE = 128;

/** The events of a block; the arrays are reused for the next one. */
export class EventList {
  count = 0;
  /** The run before which it stands; the number of runs, if after the last. */
  readonly at: Int32Array;
  readonly types: Uint8Array;
  readonly a: Float64Array;
  readonly b: Float64Array;

  /** @param place where its arrays are taken from; default: memory of its own */
  constructor(capacity = EVENTS_MAX, place: Place = new Place()) {
    this.a = place.doubles(capacity);
    this.b = place.doubles(capacity);
    this.at = place.words(capacity);
    this.types = place.bytes(capacity);
  }

  add(at: number, type: number, a: number, b: number): void {
    const i = this.count++;
    this.at[i] = at;
    this.types[i] = type;
    this.a[i] = a;
    this.b[i] = b;
  }
}

/** @param bytes room for EVENT_BYTES_MAX each; @returns bytes used */
export function encodeEvents({ count, at, types, a, b }: EventList, bytes: Uint8Array): number {
  let used = 0;
  let last = 0;
  const put = (value: number): void => {
    let rest = value;
    for (; rest >= MORE; rest = Math.floor(rest / MORE)) bytes[used++] = (rest % MORE) | MORE;
    bytes[used++] = rest;
  };
  for (let i = 0; i < count; i++) {
    put(wordAt(at, i) - last);
    last = wordAt(at, i);
    bytes[used++] = byteAt(types, i);
    put(numberAt(a, i));
    put(numberAt(b, i));
  }
  return used;
}

/** Decodes `count` events of a block of so many runs. @param types less than this; @returns why the bytes are none; undefined if all is well */
export function decodeEvents(
  bytes: Uint8Array,
  count: number,
  runs: number,
  events: EventList,
  types: number = TRACE_TYPES,
): string | undefined {
  events.count = 0;
  let used = 0;
  /** NaN if it does not end, or is too large. */
  const take = (): number => {
    let value = 0;
    for (let unit = 1; unit < VALUES; unit *= MORE) {
      if (used >= bytes.length) return NaN;
      const byte = byteAt(bytes, used++);
      value += (byte & (MORE - 1)) * unit;
      if (byte < MORE) return value < VALUES ? value : NaN;
    }
    return NaN;
  };
  let at = 0;
  for (let i = 0; i < count; i++) {
    at += take();
    const type = bytes[used++] ?? types;
    const [a, b] = [take(), take()];
    if (!(at <= runs) || type >= types || Number.isNaN(a + b)) return "an event is none";
    events.add(at, type, a, b);
  }
  return used === bytes.length ? undefined : "bytes are left over after the events";
}
