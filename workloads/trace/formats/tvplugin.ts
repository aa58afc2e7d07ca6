/**
 * What Trackvisor's own plugin for QEMU writes of a whole guest (workloads/guests/qemu/tvplugin.c; the file is described
 * in docs/trace-format.md): frames as in a trace, with records of
 *
 *   a run of accesses: the slot of its page, its kind, how many
 *   an event: a page is put into a slot, the TLB is flushed, time has passed, another vCPU
 *
 * It becomes a trace of a machine, or of its guest-physical pages alone.
 */
import { UserError } from "../../../src/errors.ts";
import { sourceOf } from "../../../src/io/byteSource.ts";
import { byteAt, itemAt, numberAt, numbers } from "../../../src/lookup.ts";
import type { Accesses } from "../accesses.ts";
import { TRACE_PAGES_MAX } from "../format.ts";
import { type Frame, FrameReader } from "../frameReader.ts";
import { PluginMachine } from "../tvpluginMachine.ts";
import {
  nothingRead,
  type TraceFormat,
  type TraceInto,
  type TraceReading,
  type Understood,
} from "./traceFormat.ts";

const MAGIC = Buffer.from("TVQEMU\0\0", "latin1");
const VERSION = 1;
const PREAMBLE_BYTES = 12;
const Block = { head: 0x44414548, notes: 0x45544f4e, done: 0x454e4f44 } as const;
const SLOTS = 1 << 13;
const EMPTY = -1;
const EVENT = 2;
const COUNT_FOLLOWS = 4;
const MORE = 128;
/** Events by their number; each has so many numbers behind it. */
const Event = { page: 0, flushNotGlobal: 1, flushAll: 2, flushPage: 3, time: 4, vcpu: 5 } as const;
const EVENT_NUMBERS = [3, 0, 0, 0, 1, 1];
/** Of the last block: 64-bit numbers, and a reason. */
const DONE_NUMBERS = 10;

/** The numbers of the last block, in this order. */
interface Totals {
  readonly accesses: number;
  readonly runs: number;
  readonly instructions: number;
  /** Accesses that were left out: of devices, of ROM and the like, of pages that QEMU did not tell. */
  readonly devices: number;
  readonly outside: number;
  readonly unknown: number;
  /** Instructions that flush: what is not global, all, one page. */
  readonly notGlobal: number;
  readonly all: number;
  readonly page: number;
  /** Accesses whose page the plugin remembered wrongly; only with check=on they are looked for. */
  readonly stale: number;
}
const REASONS = [
  "QEMU ended",
  "the guest executed the mark of its end",
  "as many accesses were noted as were asked for",
  "as many instructions were noted as were asked for",
];

export const tvplugin: TraceFormat = {
  name: "tvplugin",
  title: "Trackvisor's plugin for QEMU",
  addresses: "machine",
  recognise: (sample) => (sample.subarray(0, MAGIC.length).equals(MAGIC) ? 1 : 0),
  read: (into) => new PluginReading(into),
};

/** Why a file is none; how far it is sound is said by who catches it. */
class Damaged extends Error {}

class PluginReading implements TraceReading {
  readonly understood: Understood = nothingRead("record");
  notes: readonly string[] = [];
  readonly #into: TraceInto;
  readonly #records: Records;
  /** What is not a whole block yet. */
  #rest: Buffer = Buffer.alloc(0);
  #block = -1;
  #isDone = false;
  #isDamaged = false;

  constructor(into: TraceInto) {
    this.#into = into;
    this.#records = new Records(into, this.understood);
  }

  push(chunk: Buffer): void {
    if (this.#isDamaged) return;
    try {
      this.#take(Buffer.concat([this.#rest, chunk]));
    } catch (error) {
      this.#damaged(error);
    }
  }

  end(): void {
    if (this.#isDamaged) return;
    try {
      if (this.#rest.length > 0) throw new Damaged("the file ends within a block");
      if (!this.#isDone) throw new Damaged("its end is missing: QEMU was ended by force");
    } catch (error) {
      this.#damaged(error);
    }
    this.#records.finish();
  }

  #take(bytes: Buffer): void {
    let at = 0;
    if (this.#block < 0) {
      if (bytes.length < PREAMBLE_BYTES) {
        this.#rest = bytes;
        return;
      }
      const version = bytes.readUInt32LE(MAGIC.length);
      if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new Damaged("it begins otherwise");
      if (version !== VERSION) throw new UserError(`is of version ${version}; expected ${VERSION}`);
      at = PREAMBLE_BYTES;
      this.#block = 0;
    }
    const frames = new FrameReader(sourceOf("", bytes), at);
    frames.sequence = this.#block;
    while (!frames.atEnd) {
      const frame = frames.next();
      if (typeof frame === "string") {
        // The rest of it may come yet.
        if (frame === "the file ends within a block") break;
        throw new Damaged(frame);
      }
      this.#frame(frame);
      this.#block = frames.sequence;
    }
    // The bytes may be reused by who has read them.
    this.#rest = Buffer.from(bytes.subarray(frames.offset));
  }

  #frame({ type, payload }: Frame): void {
    if (this.#isDone) throw new Damaged("something follows its end");
    if ((type === Block.head) !== (this.#block === 0)) throw new Damaged("its header is missing");
    if (type === Block.head) this.#head(payload.toString("utf8"));
    else if (type === Block.notes) this.#records.take(payload);
    else if (type === Block.done) this.#done(payload);
    else throw new Damaged("the block is of no known type");
  }

  #head(text: string): void {
    const fields = new Map(
      text.split("\n").map((line): [string, string] => {
        const at = line.indexOf("=");
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
    const [memory, vcpus] = ["memory", "vcpus"].map((name) => Number(fields.get(name)));
    if (!Number.isSafeInteger(memory) || !Number.isSafeInteger(vcpus)) {
      throw new Damaged("its header is none");
    }
    this.#records.begin(Number(memory) / 4096);
    if (this.#into.addresses === "machine" && vcpus !== 1) {
      throw new UserError(
        `is of ${vcpus} vCPUs, each with a TLB of its own; take guest-physical pages alone: --gpa`,
      );
    }
    this.#into.processes.starts(0, fields.get("command") ?? "");
  }

  #done(payload: Buffer): void {
    if (payload.length !== 8 * DONE_NUMBERS + 4) throw new Damaged("its end is none");
    const totals = totalsOf(payload);
    const { runs, accesses } = this.#records;
    if (totals.accesses !== accesses || totals.runs !== runs) {
      throw new Damaged("its end does not agree with what comes before");
    }
    if (totals.stale > 0) {
      throw new UserError(`${totals.stale} accesses were noted with a page that they were not to`);
    }
    this.#isDone = true;
    this.notes = notesOf(totals, payload.readUInt32LE(payload.length - 4));
  }

  /** @throws UserError unless what comes before is to be taken */
  #damaged(error: unknown): void {
    if (!(error instanceof Damaged)) throw error;
    const text = `block ${Math.max(0, this.#block)}: ${error.message}`;
    if (!this.#into.lenient)
      throw new UserError(`damaged at ${text}; --lenient takes what is before`);
    const { understood } = this;
    this.#isDamaged = true;
    const line = understood.accessLines + understood.otherLines + ++understood.unknownLines;
    understood.firstUnknown ??= { line, text };
    this.#records.finish();
  }
}

function totalsOf(payload: Buffer): Totals {
  const value = (i: number): number => Number(payload.readBigUInt64LE(8 * i));
  return {
    accesses: value(0),
    runs: value(1),
    instructions: value(2),
    devices: value(3),
    outside: value(4),
    unknown: value(5),
    notGlobal: value(6),
    all: value(7),
    page: value(8),
    stale: value(9),
  };
}

/** What was noted, one record after the other. */
class Records {
  runs = 0;
  accesses = 0;
  readonly #into: Accesses;
  readonly #machine: PluginMachine | undefined;
  readonly #understood: Understood;
  /** By slot: the page as the trace is to have it. */
  readonly #pages = numbers(SLOTS).fill(EMPTY);
  #memoryPages = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor({ accesses, addresses }: TraceInto, understood: Understood) {
    this.#into = accesses;
    this.#machine = addresses === "machine" ? new PluginMachine(accesses) : undefined;
    this.#understood = understood;
  }

  /** @param pages of the guest's memory */
  begin(pages: number): void {
    this.#memoryPages = pages;
  }

  /** @throws Damaged */
  take(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#at = 0;
    while (this.#at < bytes.length) {
      const head = byteAt(bytes, this.#at++);
      if ((head & 3) > EVENT) throw new Damaged("a record is none");
      if ((head & 3) === EVENT) this.#event(head >>> 2);
      else this.#run(head);
    }
  }

  /** What has no time behind it yet took as many instructions as it has accesses. */
  finish(): void {
    this.#machine?.time(0);
  }

  #run(head: number): void {
    if (this.#at === this.#bytes.length) throw new Damaged("a record is cut off");
    const slot = (head >>> 3) | (byteAt(this.#bytes, this.#at++) << 5);
    const count = (head & COUNT_FOLLOWS) === 0 ? 1 : this.#number() + 2;
    const page = slot < SLOTS ? numberAt(this.#pages, slot) : EMPTY;
    if (page === EMPTY) throw new Damaged("an access is to a page that it does not name");
    this.#understood.accessLines++;
    this.runs++;
    this.accesses += count;
    (this.#machine ?? this).run(page, head & 1, count);
  }

  /** Of a trace of guest-physical pages. */
  run(page: number, kind: number, count: number): void {
    this.#into.pages(page, kind, count);
  }

  #event(type: number): void {
    const [a = 0, linear = 0, physical = 0] = Array.from(
      { length: itemOr(EVENT_NUMBERS, type) },
      () => this.#number(),
    );
    this.#understood.otherLines++;
    const machine = this.#machine;
    if (type === Event.page) {
      if (a >= SLOTS || linear >= TRACE_PAGES_MAX || physical >= this.#memoryPages) {
        throw new Damaged("a page is out of range");
      }
      this.#pages[a] = machine?.translate(linear, physical) ?? physical;
    } else if (type === Event.flushNotGlobal) machine?.flush(false);
    else if (type === Event.flushAll) machine?.flush(true);
    else if (type === Event.time) machine?.time(a);
  }

  #number(): number {
    let value = 0;
    for (let unit = 1; unit < 2 ** 53; unit *= MORE) {
      if (this.#at === this.#bytes.length) break;
      const byte = byteAt(this.#bytes, this.#at++);
      value += (byte & (MORE - 1)) * unit;
      if (byte < MORE && value <= Number.MAX_SAFE_INTEGER) return value;
    }
    throw new Damaged("a number is none");
  }
}

function itemOr(counts: readonly number[], type: number): number {
  if (type < counts.length) return itemAt(counts, type);
  throw new Damaged("an event is of no known type");
}

function notesOf(totals: Totals, reason: number): readonly string[] {
  const { instructions, notGlobal, all, page, devices, outside, unknown } = totals;
  const grouped = (value: number): string => value.toLocaleString("en-US");
  return [
    `${grouped(instructions)} instructions; loads of CR3 ${grouped(notGlobal)}, of CR0 and CR4 ${grouped(all)}, INVLPG ${grouped(page)}`,
    `left out: ${grouped(devices)} accesses of devices, ${grouped(outside)} of other memory than RAM` +
      (unknown > 0 ? `, ${grouped(unknown)} of which QEMU does not tell the page` : ""),
    `noting ended when ${REASONS[reason] ?? "nobody knows"}`,
  ];
}
