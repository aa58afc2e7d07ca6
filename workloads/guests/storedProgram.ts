/** Where a program is between two steps, as bytes that can be stored: with the pages that were changed behind the text. */
import { z } from "zod";
import type { ProgramState } from "./spec.ts";
import { decodeState, encodeState } from "./storedState.ts";
import { PAGE_BYTES } from "./tap/notes.ts";

const count = z.int().min(0);
const schema = z.strictObject({
  steps: count,
  accesses: count,
  /** Of each page that was changed: the step, and its number. */
  changed: z.array(z.tuple([count, count])),
});

/** A state without the memory. */
export type StoredProgram = Omit<ProgramState, "memory">;

export function encodeProgram({ steps, accesses, changed }: StoredProgram): Uint8Array {
  const about: z.output<typeof schema> = {
    ...{ steps, accesses },
    changed: changed.map(({ step, page }) => [step, page]),
  };
  return encodeState(about, Buffer.concat(changed.map(({ bytes }) => bytes)));
}

/** @returns undefined if the bytes are no such state */
export function decodeProgram(stored: Uint8Array): StoredProgram | undefined {
  const found = decodeState(stored, schema);
  if (found === undefined) return undefined;
  const { about, bytes } = found;
  if (bytes.length !== PAGE_BYTES * about.changed.length) return undefined;
  return {
    ...about,
    changed: about.changed.map(([step, page], i) => ({
      ...{ step, page },
      bytes: bytes.slice(PAGE_BYTES * i, PAGE_BYTES * (i + 1)),
    })),
  };
}
