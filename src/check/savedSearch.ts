/**
 * A search in a file, to go on with later: a line of JSON, then the packed states and their parents, then
 * the SHA-256 of all before it.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import { UserError } from "../errors.ts";
import { readBytes } from "../io/inputFile.ts";
import { OutputFile, type OutputOptions } from "../io/outputFile.ts";
import type { CheckTarget } from "./catalogue.ts";
import type { SearchState } from "./engine/exploration.ts";
import { Layout } from "./engine/layout.ts";

const FORMAT = "trackvisor search 1";
const DIGEST_BYTES = 32;
/** What Node can hold in one piece. */
const FILE_BYTES_MAX = 2 ** 31;
const NEWLINE = 0x0a;

const numbers = z.array(z.number());
const headerSchema = z.object({
  format: z.literal(FORMAT),
  target: z.object({
    model: z.string(),
    set: z.record(z.string(), z.number()),
    mutation: z.string().nullable(),
  }),
  options: z.object({
    order: z.enum(["breadth", "depth"]),
    symmetry: z.boolean(),
    keepGoing: z.boolean(),
  }),
  seconds: z.number(),
  least: numbers,
  wanting: numbers,
  words: z.number(),
  states: z.number(),
  history: numbers,
  values: numbers,
  generated: z.number(),
  expanded: z.number(),
  levelEnds: numbers,
  stack: numbers,
  findings: z.array(
    z.object({
      finding: z.object({ property: z.string(), state: z.number(), step: z.number() }).nullable(),
      applied: z.boolean(),
    }),
  ),
});

export interface SavedSearch {
  readonly target: CheckTarget;
  /** What must be the same when it goes on. */
  readonly options: z.infer<typeof headerSchema>["options"];
  /** Spent so far. */
  readonly seconds: number;
  readonly state: SearchState;
}

/** @throws UserError if the file cannot be written, or exists and may not be replaced */
export function writeSearch(
  file: string,
  { target, options, seconds, state }: SavedSearch,
  output: OutputOptions = {},
): void {
  const { layout, words, parent, stack, history, values, findings, levelEnds } = state;
  const { generated, expanded } = state;
  const header: z.infer<typeof headerSchema> = {
    format: FORMAT,
    target: { model: target.model, set: { ...target.set }, mutation: target.mutation },
    options,
    seconds,
    least: Array.from(layout.least),
    wanting: [...layout.wanting],
    words: words.length,
    states: parent.length,
    history: [...history],
    values: [...values],
    generated,
    expanded,
    levelEnds: [...levelEnds],
    stack: Array.from(stack),
    findings: [...findings],
  };
  const parts = [
    Buffer.from(`${JSON.stringify(header)}\n`),
    Buffer.from(words.buffer, words.byteOffset, words.byteLength),
    Buffer.from(parent.buffer, parent.byteOffset, parent.byteLength),
  ];
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  const written = new OutputFile(file, output);
  try {
    for (const part of [...parts, digest.digest()]) written.write(part);
    written.commit();
  } finally {
    written.abort();
  }
}

/** @throws UserError if the file cannot be read, is damaged, or is no saved search */
export function readSearch(file: string): SavedSearch {
  const bytes = readBytes(file, FILE_BYTES_MAX);
  const end = bytes.indexOf(NEWLINE);
  const body = bytes.subarray(0, Math.max(0, bytes.length - DIGEST_BYTES));
  const isWhole = createHash("sha256").update(body).digest().equals(bytes.subarray(body.length));
  if (end < 0 || !bytes.subarray(0, end).includes(FORMAT)) {
    throw new UserError(`${file}: this is no saved search (expected what --save has written)`);
  }
  if (!isWhole) throw new UserError(`${file}: the saved search is damaged: its checksum is wrong`);
  const header = headerSchema.parse(JSON.parse(bytes.toString("utf8", 0, end)));
  const data = new Int32Array(
    Uint8Array.from(body.subarray(end + 1)).buffer,
    0,
    header.words + header.states,
  );
  const { target, options, seconds, least, wanting, stack, ...rest } = header;
  const state: SearchState = {
    ...rest,
    layout: new Layout(Int32Array.from(least), wanting),
    words: data.subarray(0, header.words),
    parent: data.subarray(header.words),
    stack: Int32Array.from(stack),
  };
  return { target, options, seconds, state };
}
