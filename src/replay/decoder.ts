/** Reads the entries of a block that a BlockEncoder wrote. */

import { excerpt } from "../config/fieldPath.ts";
import { nearest } from "../config/nearest.ts";
import { accept, type Census, cycles } from "../interconnect/fields.ts";
import { type Delivery, messages } from "../interconnect/messages.ts";
import { itemAt, numberAt } from "../lookup.ts";
import { type Intervention, interventions } from "../system/intervention.ts";
import { BLOCK_PREFIX_BYTES, RECORD_BYTES_MAX, RecordTag } from "./format.ts";
import { numbersOf, type Shape, shapeSchema } from "./messageShapes.ts";
import { NumberSource } from "./numbers.ts";

/** What a log says, in order. `position`: messages delivered before it. */
export type LogEntry =
  | {
      readonly kind: "message";
      readonly position: number;
      readonly delivery: Delivery;
      /**
       * Messages posted since the start, when this one had been handled. So it has caused those with
       * sequence numbers up to this, from the number of the message before on.
       */
      readonly posted: number;
      /** Of the receiver's state after it (stateDigest.ts). */
      readonly digest: number;
    }
  | {
      readonly kind: "intervention";
      readonly position: number;
      /** Where it stands: file, block, record, byte. For what cannot be done. */
      readonly where?: string;
      readonly intervention: Intervention;
    }
  /** Digests of all memory and all actors, in the order of the header's parts. */
  | { readonly kind: "checkpoint"; readonly position: number; readonly digests: readonly string[] };

export type MessageEntry = Extract<LogEntry, { kind: "message" }>;

/** Messages that one message, and what is done from outside before it, can cause at most. */
const CAUSED_MAX = 65_536;
const TIME_MAX = Number.MAX_SAFE_INTEGER;

/** A shape that was defined in the block. */
interface DefinedShape extends Shape {
  readonly last: Float64Array;
}

/** A record's number in its block, from 1, and where in the block's payload it begins. */
export interface RecordPlace {
  readonly number: number;
  readonly at: number;
}

/** A record that no program writes, and what is wrong with it. */
export class RecordError extends Error implements RecordPlace {
  readonly number: number;
  readonly at: number;

  constructor({ number, at }: RecordPlace, what: string) {
    super(what);
    this.number = number;
    this.at = at;
  }
}

/** What a log's header says of the system whose messages follow. */
export interface LogContents {
  readonly census: Census;
  /** Digests in a checkpoint. */
  readonly parts: number;
}

/** What stands at the beginning of a block. */
export interface BlockPrefix {
  /** Messages before it. */
  readonly position: number;
  readonly time: number;
  /** Of the blocks before it. */
  readonly digest: number;
}

/** @returns the prefix, or undefined if the bytes are none */
export function decodePrefix(payload: Buffer): BlockPrefix | undefined {
  const [position, time] = [payload.readDoubleLE(0), payload.readDoubleLE(8)];
  if (!Number.isSafeInteger(position) || position < 0 || !(time >= 0) || time > TIME_MAX) return;
  return { position, time, digest: payload.readUInt32LE(16) };
}

export class BlockDecoder {
  readonly #source: NumberSource;
  readonly #shapes: DefinedShape[] = [];
  readonly #contents: LogContents;
  #position: number;
  #sequence = 0;
  #time: number;
  #posted = 0;
  /** Messages posted before the next; null if the blocks before were not read. */
  #before: number | null;
  /** Records read, and where the last one begins. */
  #records = 0;
  #begin = BLOCK_PREFIX_BYTES;

  /**
   * @param payload of a block, at least as long as its prefix
   * @param posted messages posted before it; null if that is not known
   */
  constructor(payload: Buffer, prefix: BlockPrefix, contents: LogContents, posted: number | null) {
    this.#position = prefix.position;
    this.#time = prefix.time;
    this.#contents = contents;
    this.#before = posted;
    this.#source = new NumberSource(payload, BLOCK_PREFIX_BYTES);
  }

  /** Messages delivered before the next entry. */
  get position(): number {
    return this.#position;
  }

  /** Messages posted before the next entry; null if that is not known. */
  get posted(): number | null {
    return this.#before;
  }

  /** Where the entry read last is. */
  get record(): RecordPlace {
    return { number: this.#records, at: this.#begin };
  }

  /** The next entry; undefined at the block's end. Throws a RecordError for what no program writes. */
  next(): LogEntry | undefined {
    try {
      while (!this.#source.ended) {
        this.#records++;
        this.#begin = this.#source.at;
        const entry = this.#read();
        if (entry !== undefined) return entry;
      }
      return undefined;
    } catch (error) {
      const expected =
        error instanceof WrongRecord || error instanceof RangeError || error instanceof SyntaxError;
      if (!expected) throw error;
      throw new RecordError(this.record, error.message);
    }
  }

  /** The entry of a record; undefined if it only defines a shape. */
  #read(): LogEntry | undefined {
    const source = this.#source;
    const position = this.#position;
    const tag = source.number();
    if (tag >= RecordTag.message) return this.#message(tag - RecordTag.message);
    switch (tag) {
      case RecordTag.shape:
        this.#define(this.#json());
        return undefined;
      case RecordTag.intervention: {
        const intervention = this.#json();
        interventions.accept(intervention, this.#contents.census, wrong("intervention"));
        this.#count(intervention);
        return { kind: "intervention", position, intervention };
      }
      case RecordTag.checkpoint:
        return { kind: "checkpoint", position, digests: this.#digests() };
      default:
        throw new WrongRecord(`a record of the unknown kind ${tag}`);
    }
  }

  /** A command is a message more; what is done to a message is done to one that was posted. */
  #count(intervention: Intervention): void {
    if (this.#before === null) return;
    if (intervention.kind === "command") this.#before++;
    if (!("sequence" in intervention) || intervention.sequence <= this.#before) return;
    throw new WrongRecord(
      `intervention: sequence: ${this.#before} messages were posted, not ${intervention.sequence}`,
    );
  }

  #define(value: unknown): void {
    const { census } = this.#contents;
    accept(shapeSchema, value, census, wrong("shape of messages"));
    const shape: Shape = value;
    // The values come with each message; a name that is no field's might be one that all objects have.
    const fields = messages.fieldsOf(shape.type);
    if (fields === undefined) messages.accept({ type: shape.type }, census, wrong("message"));
    const known = Object.keys(fields ?? {});
    const strange = shape.fields.find(([name]) => name !== "type" && !known.includes(name));
    if (strange !== undefined) {
      const [name] = strange;
      throw new WrongRecord(
        `message "${shape.type}": ${excerpt(name)}: unknown field${nearest(name, known)}`,
      );
    }
    this.#shapes.push({ ...shape, last: new Float64Array(numbersOf(shape).length) });
  }

  #message(number: number): LogEntry {
    const source = this.#source;
    const shape = this.#shapes[number];
    if (shape === undefined) throw new WrongRecord("a message of an undefined shape");
    const sequence = this.#sequence + source.number();
    this.#sequence = sequence;
    const time = this.#difference(this.#time);
    const { from, to, type, fields, last } = shape;
    const message: Record<string, unknown> = { type };
    let at = 0;
    for (let i = 0; i < fields.length; i++) {
      const [name, kind] = itemAt(fields, i);
      if (kind === "number") {
        last[at] = this.#difference(numberAt(last, at));
        message[name] = last[at++];
      } else message[name] = kind === "json" ? this.#json() : kind.is;
    }
    messages.accept(message, this.#contents.census, (problem) =>
      wrong(`message "${excerpt(type)}"`)(problem),
    );
    if (!(time <= TIME_MAX)) accept(cycles, time, this.#contents.census, wrong("message's time"));
    if (time < this.#time) throw new WrongRecord("a message is earlier than the one before");
    this.#time = time;
    const posted = this.#posted + source.number();
    const caused = posted - (this.#before ?? posted);
    if (!Number.isSafeInteger(posted) || !(caused >= 0 && caused <= CAUSED_MAX)) {
      throw new WrongRecord("the number of messages that were posted makes no sense");
    }
    if (!Number.isInteger(sequence) || !(sequence >= 1 && sequence <= posted)) {
      throw new WrongRecord("the message's number makes no sense");
    }
    this.#posted = posted;
    this.#before = posted;
    const digest = source.word();
    const delivery: Delivery = { sequence, time, from, to, message };
    return { kind: "message", position: this.#position++, delivery, posted, digest };
  }

  #difference(last: number): number {
    const value = this.#source.number();
    return this.#source.wasDouble ? value : last + value;
  }

  #json(): unknown {
    return JSON.parse(this.#source.text(RECORD_BYTES_MAX));
  }

  #digests(): readonly string[] {
    const count = this.#source.number();
    if (count !== this.#contents.parts) {
      throw new WrongRecord(
        `a checkpoint of ${count} digests; the header names ${this.#contents.parts}`,
      );
    }
    const word = (): string => this.#source.word().toString(16).padStart(8, "0");
    return Array.from({ length: count }, () => word() + word());
  }
}

/** What is wrong with a record. */
class WrongRecord extends Error {}

/** What is thrown of a problem with a part of it. */
function wrong(what: string): (problem: string) => WrongRecord {
  return (problem) => new WrongRecord(`${what}: ${problem}`);
}
