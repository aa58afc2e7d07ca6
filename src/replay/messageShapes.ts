/**
 * The shape of a message: who sends what to whom, and which of its fields are numbers. Everything else
 * in a message belongs to its shape, so that a message is its shape's number and a few differences.
 */

import * as z from "zod";
import { actor } from "../interconnect/fields.ts";
import { type Delivery, type Message, messages } from "../interconnect/messages.ts";
import { itemAt } from "../lookup.ts";
import { type FieldKind, type NumberReader, numberReader } from "./compiledReaders.ts";

/** A number; a constant; or anything else, written as JSON. */
export type ShapeField = readonly [name: string, kind: FieldKind | "json"];

const constant = z.strictObject({ is: z.union([z.string(), z.boolean(), z.null()]) });

/** How a shape is written into a log. */
export const shapeSchema = z.strictObject({
  from: actor,
  to: actor.min(1),
  type: z.string().max(200),
  fields: z
    .array(z.tuple([z.string().max(200), z.union([z.literal(["number", "json"]), constant])]))
    .max(100),
});

export interface Shape {
  readonly from: number;
  readonly to: number;
  readonly type: string;
  readonly fields: readonly ShapeField[];
}

/** A shape that messages are compared with. */
export class KnownShape implements Shape {
  readonly from: number;
  readonly to: number;
  readonly type: string;
  readonly fields: readonly ShapeField[];
  /** Null if a field is JSON, or the message comes from outside: then every field is looked at. */
  readonly read: NumberReader | null;
  /** The numbers of the message before, in this block. */
  readonly last: Float64Array;
  /** Its number in the block of this number. */
  block = -1;
  number = -1;

  constructor(shape: Shape) {
    const { from, to, type, fields } = shape;
    this.from = from;
    this.to = to;
    this.type = type;
    this.fields = fields;
    this.last = new Float64Array(numbersOf(shape).length);
    const plain = fields.flatMap(([name, kind]) =>
      kind === "json" ? [] : [[name, kind] as const],
    );
    // What this one lacks and another of its type may have: that is of another shape.
    const absent = messages
      .optionalOf(type)
      .filter((name) => fields.every(([field]) => field !== name));
    const readable = from !== 0 && plain.length === fields.length;
    this.read = readable ? numberReader(plain.slice(1), absent) : null;
  }
}

const CONSTANT_MAX = 60;

export function shapeOf({ from, to, message }: Delivery): Shape {
  const fields = Object.entries(message)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]): ShapeField => [name, kindOf(value)]);
  return { from, to, type: message.type, fields };
}

function kindOf(value: unknown): FieldKind | "json" {
  if (typeof value === "number") return "number";
  if (typeof value === "boolean" || value === null) return { is: value };
  if (typeof value === "string" && value.length <= CONSTANT_MAX) return { is: value };
  return "json";
}

/** The fields that are read as numbers, in order. */
export function numbersOf(shape: Shape): readonly string[] {
  return shape.fields.filter(([, kind]) => kind === "number").map(([name]) => name);
}

/** Finds the shape of a message; most messages are like one before them. */
export class ShapeTable {
  /** By receiver. */
  readonly #shapes: KnownShape[][] = [];

  /** @param numbers filled with the message's numbers */
  find(delivery: Delivery, numbers: Float64Array): KnownShape {
    const { from, to, message } = delivery;
    const { type } = message;
    this.#shapes[to] ??= [];
    const shapes = this.#shapes[to];
    for (let i = 0; i < shapes.length; i++) {
      const shape = itemAt(shapes, i);
      if (shape.type !== type || shape.from !== from) continue;
      if (shape.read === null ? !isLike(shape, delivery) : !shape.read(message, numbers)) continue;
      // The next one is probably like this.
      if (i > 4) shapes.splice(i >> 1, 0, ...shapes.splice(i, 1));
      return shape;
    }
    const shape = new KnownShape(shapeOf(delivery));
    shapes.push(shape);
    shape.read?.(message, numbers);
    return shape;
  }
}

/** Whether a delivery has this shape. */
function isLike(shape: Shape, delivery: Delivery): boolean {
  return JSON.stringify(shapeOf(delivery).fields) === JSON.stringify(shape.fields);
}

/** A field of a message by name. */
export function fieldOf(message: Message, name: string): unknown {
  const fields: Readonly<Record<string, unknown>> = message;
  return fields[name];
}
