/** The state of a machine without its memory, as bytes that can be stored: with v86's own state behind the text. */
import { z } from "zod";
import { decodeState, encodeState } from "../storedState.ts";
import type { MachineState } from "./spec.ts";

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
  return encodeState(stored, machine);
}

/** @returns undefined if the bytes are no such state */
export function decodeMachine(stored: Uint8Array): StoredMachine | undefined {
  const found = decodeState(stored, textSchema);
  if (found === undefined) return undefined;
  const { chance, text } = found.about;
  return {
    ...found.about,
    machine: found.bytes,
    chance: chance === null ? null : Int32Array.from(chance),
    text: { ...text, tail: Uint8Array.from(text.tail) },
  };
}
