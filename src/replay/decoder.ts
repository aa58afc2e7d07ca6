/** Reads the entries of a block that a BlockEncoder wrote. */
import * as z from "zod";
import type { Delivery, Message } from "../interconnect/messages.ts";
import type { Intervention } from "../system/intervention.ts";
import { BLOCK_PREFIX_BYTES, RECORD_BYTES_MAX, RecordTag } from "./format.ts";
import { NumberSource } from "./numbers.ts";
import { numbersOf, type Shape, shapeSchema } from "./shapes.ts";

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
      readonly intervention: Intervention;
    }
  /** Digests of all memory and all actors, in the order of the header's parts. */
  | { readonly kind: "checkpoint"; readonly position: number; readonly digests: readonly string[] };

export type MessageEntry = Extract<LogEntry, { kind: "message" }>;

const sequence = z.int().min(1);
const interventionSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("command"),
    to: z.int().min(1),
    delay: z.number().min(0),
    message: z.looseObject({ type: z.string() }),
  }),
  z.strictObject({ kind: z.literal("deliver"), sequence }),
  z.strictObject({ kind: z.literal("skip"), sequence }),
  z.strictObject({ kind: z.literal("postpone"), sequence, cycles: z.number().min(0) }),
  z.strictObject({
    kind: z.literal("access"),
    vcpu: z.int().min(0),
    page: z.int().min(0),
    access: z.enum(["read", "write", "fetch", "readModifyWrite"]),
  }),
  z.strictObject({ kind: z.literal("reseed"), seed: z.int().min(0) }),
]);

const DIGESTS_MAX = 16384;

/** A shape that was defined in the block. */
interface DefinedShape extends Shape {
  readonly last: Float64Array;
}

/** What an intervention is made of, checked. Throws if it is none. */
export function parseIntervention(value: unknown): Intervention {
  return interventionSchema.parse(value) as Intervention;
}

/** Messages before a block, its time, and the digest of the blocks before it. */
export function decodePrefix(payload: Buffer): {
  readonly position: number;
  readonly time: number;
  readonly digest: number;
} {
  return {
    position: payload.readDoubleLE(0),
    time: payload.readDoubleLE(8),
    digest: payload.readUInt32LE(16),
  };
}

export class BlockDecoder {
  readonly #source: NumberSource;
  readonly #shapes: DefinedShape[] = [];
  #position: number;
  #sequence = 0;
  #time: number;
  #posted = 0;

  /** @param payload of a block, at least as long as its prefix */
  constructor(payload: Buffer) {
    const { position, time } = decodePrefix(payload);
    this.#position = position;
    this.#time = time;
    this.#source = new NumberSource(payload, BLOCK_PREFIX_BYTES);
  }

  /** Messages delivered before the next entry. */
  get position(): number {
    return this.#position;
  }

  /** The next entry; undefined at the block's end. Throws if the bytes make no sense. */
  next(): LogEntry | undefined {
    const source = this.#source;
    while (!source.ended) {
      const tag = source.number();
      if (tag >= RecordTag.message) return this.#message(tag - RecordTag.message);
      const position = this.#position;
      switch (tag) {
        case RecordTag.shape: {
          const shape = shapeSchema.parse(this.#json());
          this.#shapes.push({ ...shape, last: new Float64Array(numbersOf(shape).length) });
          break;
        }
        case RecordTag.intervention:
          return { kind: "intervention", position, intervention: parseIntervention(this.#json()) };
        case RecordTag.checkpoint:
          return { kind: "checkpoint", position, digests: this.#digests() };
        default:
          throw new RangeError(`a record of the unknown kind ${tag}`);
      }
    }
    return undefined;
  }

  #message(number: number): LogEntry {
    const source = this.#source;
    const shape = this.#shapes[number];
    if (shape === undefined) throw new RangeError("a message of an undefined shape");
    const sequence = this.#sequence + source.number();
    this.#sequence = sequence;
    const time = this.#difference(this.#time);
    this.#time = time;
    const { from, to, type, fields, last } = shape;
    const message: Record<string, unknown> = { type };
    let at = 0;
    for (let i = 0; i < fields.length; i++) {
      const [name, kind] = fields[i]!;
      if (kind === "number") {
        last[at] = this.#difference(last[at]!);
        message[name] = last[at++];
      } else message[name] = kind === "json" ? this.#json() : kind.is;
    }
    this.#posted += source.number();
    const digest = source.word();
    const delivery: Delivery = { sequence, time, from, to, message: message as Message };
    return { kind: "message", position: this.#position++, delivery, posted: this.#posted, digest };
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
    if (!(count >= 0 && count <= DIGESTS_MAX)) throw new RangeError("too many digests");
    const word = (): string => this.#source.word().toString(16).padStart(8, "0");
    return Array.from({ length: count }, () => word() + word());
  }
}
