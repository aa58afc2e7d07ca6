/**
 * Writes log entries into blocks. A block stands for itself: shapes are defined at their first use in it,
 * and differences are to what it has had before. So a reader may begin at any block.
 */

import type { Delivery } from "../interconnect/messages.ts";
import { numberAt } from "../lookup.ts";
import type { Intervention } from "../system/intervention.ts";
import { BLOCK_BYTES, BLOCK_PREFIX_BYTES, RECORD_BYTES_MAX, RecordTag } from "./format.ts";
import { fieldOf, type KnownShape, ShapeTable } from "./messageShapes.ts";
import { NumberWriter, WHOLE_MAX } from "./numbers.ts";

/** Numbers in a message at most; more are refused by the shape's schema. */
const NUMBERS_MAX = 100;

export class BlockEncoder {
  readonly #writer = new NumberWriter(BLOCK_BYTES + RECORD_BYTES_MAX);
  readonly #shapes = new ShapeTable();
  readonly #numbers = new Float64Array(NUMBERS_MAX);
  #block = 0;
  #shapesInBlock = 0;
  #sequence = 0;
  #time = 0;
  #posted = 0;

  /** Bytes of the block so far. */
  get length(): number {
    return this.#writer.length;
  }

  get empty(): boolean {
    return this.#writer.length <= BLOCK_PREFIX_BYTES;
  }

  /** Begins a block. @param digest of the blocks before */
  begin(messages: number, time: number, digest: number): void {
    const writer = this.#writer;
    writer.length = 0;
    const prefix = Buffer.from(writer.bytes.buffer, 0, BLOCK_PREFIX_BYTES);
    prefix.writeDoubleLE(messages, 0);
    prefix.writeDoubleLE(time, 8);
    prefix.writeUInt32LE(digest, 16);
    writer.length = BLOCK_PREFIX_BYTES;
    this.#block++;
    this.#shapesInBlock = 0;
    this.#sequence = 0;
    this.#posted = 0;
    this.#time = time;
  }

  /** The block's payload, valid until the next begin(). */
  get payload(): Buffer {
    return Buffer.from(this.#writer.bytes.buffer, 0, this.#writer.length);
  }

  /** @param posted messages posted since the start, when this one had been handled */
  message(delivery: Delivery, posted: number, digest: number): void {
    const writer = this.#writer;
    const numbers = this.#numbers;
    const shape = this.#shapes.find(delivery, numbers);
    if (shape.block !== this.#block) this.#define(shape);
    writer.number(RecordTag.message + shape.number);
    writer.number(delivery.sequence - this.#sequence);
    this.#sequence = delivery.sequence;
    this.#difference(delivery.time, this.#time);
    this.#time = delivery.time;
    if (shape.read === null) this.#writeFields(shape, delivery);
    else {
      const { last } = shape;
      for (let i = 0; i < last.length; i++) {
        const value = numberAt(numbers, i);
        this.#difference(value, numberAt(last, i));
        last[i] = value;
      }
    }
    writer.number(posted - this.#posted);
    this.#posted = posted;
    writer.word(digest);
  }

  intervention(intervention: Intervention): void {
    this.#writer.number(RecordTag.intervention);
    this.#json(intervention);
  }

  /** @param digests as 16 hexadecimal digits each */
  checkpoint(digests: readonly string[]): void {
    const writer = this.#writer;
    writer.number(RecordTag.checkpoint);
    writer.number(digests.length);
    for (const digest of digests) {
      writer.word(Number.parseInt(digest.slice(0, 8), 16));
      writer.word(Number.parseInt(digest.slice(8), 16));
    }
  }

  #define(shape: KnownShape): void {
    shape.block = this.#block;
    shape.number = this.#shapesInBlock++;
    shape.last.fill(0);
    const { from, to, type, fields } = shape;
    this.#writer.number(RecordTag.shape);
    this.#json({ from, to, type, fields });
  }

  #writeFields(shape: KnownShape, { message }: Delivery): void {
    let number = 0;
    for (const [name, kind] of shape.fields) {
      const value = fieldOf(message, name);
      if (kind === "json") this.#json(value);
      else if (typeof value === "number") {
        this.#difference(value, numberAt(shape.last, number));
        shape.last[number++] = value;
      }
    }
  }

  #difference(value: number, last: number): void {
    const difference = value - last;
    // Fractions do not add up exactly.
    const exact = Number.isInteger(difference) && Math.abs(difference) < WHOLE_MAX;
    if (exact && last + difference === value) this.#writer.number(difference);
    else this.#writer.double(value);
  }

  #json(value: unknown): void {
    this.#writer.text(JSON.stringify(value));
  }
}
