/**
 * A search in a file, to go on with later: a line of JSON, then the packed states and their parents, then
 * the SHA-256 of all before it.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import { UserError } from "../errors.ts";
import { problemOf } from "../interconnect/fields.ts";
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

const number = z.int().min(0);
const numbers = z.array(number);
const bits = z.int().min(0).max(32);
const name = z.string().max(200);
/** A state or a step, or -1. */
const place = z.int().min(-1);

const headerSchema = z.strictObject({
  format: z.literal(FORMAT),
  target: z.strictObject({
    // Or the path of a file that has it.
    model: z.string().max(1000),
    set: z.record(name, z.number()),
    mutation: name.nullable(),
  }),
  options: z.strictObject({
    order: z.enum(["breadth", "depth"]),
    symmetry: z.boolean(),
    keepGoing: z.boolean(),
  }),
  seconds: z.number().min(0),
  least: z.array(bits).min(1).max(100_000),
  wanting: numbers,
  words: number,
  states: number.min(1),
  history: numbers,
  values: numbers,
  generated: number,
  expanded: number,
  levelEnds: numbers,
  stack: numbers,
  findings: z.array(
    z.strictObject({
      finding: z.strictObject({ property: name, state: place, step: place }).nullable(),
      applied: z.boolean(),
    }),
  ),
});

type Header = z.output<typeof headerSchema>;

export interface SavedSearch {
  readonly target: CheckTarget;
  /** What must be the same when it goes on. */
  readonly options: Header["options"];
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
  const header: Header = {
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
    throw new UserError(`${file}: this is not a saved search (expected what --save has written)`);
  }
  if (!isWhole) throw new UserError(`${file}: the saved search is damaged: its checksum is wrong`);
  const header = parseHeader(file, bytes.toString("utf8", 0, end), body.length - end - 1);
  const data = new Int32Array(Uint8Array.from(body.subarray(end + 1)).buffer);
  const { target, options, seconds, least, wanting, stack, ...rest } = header;
  const layout = new Layout(Int32Array.from(least), wanting);
  if (header.words !== header.states * layout.words) {
    throw new UserError(`${file}: words: ${header.states} states take others than ${header.words}`);
  }
  const state: SearchState = {
    ...rest,
    layout,
    words: data.subarray(0, header.words),
    parent: data.subarray(header.words),
    stack: Int32Array.from(stack),
  };
  return { target, options, seconds, state };
}

/** @throws UserError if no search can be so */
function parseHeader(file: string, text: string, bytes: number): Header {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError(`${file}: its first line is not JSON`);
  }
  const { data: header } = headerSchema.safeParse(value);
  if (header === undefined) throw new UserError(`${file}: ${problemOf(headerSchema, value)}`);
  const { states, least, wanting, history, stack, findings, words } = header;
  const found = findings.flatMap(({ finding }) => (finding === null ? [] : [finding.state]));
  const isOff = [...history, ...stack, ...found].some((state) => state >= states);
  if (isOff) throw new UserError(`${file}: it speaks of a state that it does not have`);
  const isStrange = wanting.some((slot) => slot >= least.length);
  if (isStrange || new Set(wanting).size < wanting.length) {
    throw new UserError(`${file}: wanting: expected different slots, below ${least.length}`);
  }
  if (bytes !== (words + states) * Int32Array.BYTES_PER_ELEMENT) {
    throw new UserError(`${file}: it holds other states than its first line says`);
  }
  return header;
}
