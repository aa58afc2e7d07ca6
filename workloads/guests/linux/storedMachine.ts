/**
 * The state of a machine without its memory, as bytes that can be stored: the length of a text in JSON (4 bytes, little-endian),
 * that text, and v86's own state.
 */
import { z } from "zod";
import type { MachineState } from "./spec.ts";

const LENGTH_BYTES = 4;
/** Of the text: chance and the last line of the console are a few hundred bytes. */
const TEXT_MAX = 1 << 20;
const count = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
const words = z.array(
  z
    .int()
    .min(-(2 ** 31))
    .max(2 ** 31 - 1),
);

const textSchema = z.strictObject({
  ticks: count,
  idle: count,
  chance: words.max(64).nullable(),
  steps: count,
  typed: count,
  began: count,
  text: z.strictObject({
    tail: z.array(z.int().min(0).max(255)).max(4096),
    sequence: z.int().min(0).max(2),
    printed: count,
  }),
  accesses: count,
});

/** A state without the memory. */
export type StoredMachine = Omit<MachineState, "memory">;

export function encodeMachine({ machine, ...state }: StoredMachine): Uint8Array {
  const { ticks, idle, chance, steps, typed, began, accesses } = state;
  const { tail, sequence, printed } = state.text;
  const stored: z.output<typeof textSchema> = {
    ...{ ticks, idle, steps, typed, began, accesses },
    chance: chance === null ? null : Array.from(chance),
    text: { tail: Array.from(tail), sequence, printed },
  };
  const text = Buffer.from(JSON.stringify(stored));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(text.length, 0);
  return new Uint8Array(Buffer.concat([length, text, machine]));
}

/** @returns undefined if the bytes are no such state */
export function decodeMachine(bytes: Uint8Array): StoredMachine | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < LENGTH_BYTES) return undefined;
  const end = LENGTH_BYTES + buffer.readUInt32LE(0);
  if (end > buffer.length || end > TEXT_MAX) return undefined;
  const found = textSchema.safeParse(parsed(buffer.toString("utf8", LENGTH_BYTES, end))).data;
  if (found === undefined) return undefined;
  const { chance, text } = found;
  return {
    ...found,
    machine: new Uint8Array(buffer.subarray(end)),
    chance: chance === null ? null : Int32Array.from(chance),
    text: { ...text, tail: Uint8Array.from(text.tail) },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
