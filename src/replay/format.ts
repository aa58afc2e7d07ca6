/** The constants of the message log and its header and end marker; docs/log-format.md describes it. */
import * as z from "zod";
import { isShallow, LEVELS_MAX } from "../config/shallow.ts";
import { problemOf } from "../interconnect/fields.ts";

export const LOG_MAGIC = Buffer.from("TVLOG\0\0\0", "latin1");
export const LOG_VERSION = 1;
/** Magic and version. */
export const PREAMBLE_BYTES = 12;
/** Messages before the block, its virtual time, the digest of the blocks before. */
export const BLOCK_PREFIX_BYTES = 20;
/** A block is closed when it is this large: what a killed process loses at most. */
export const BLOCK_BYTES = 1 << 16;
/** What one record may take beyond that; more is refused. */
export const RECORD_BYTES_MAX = 900 << 10;
export const END_BYTES = 32;

export const FrameType = {
  header: 0x44414548, // "HEAD"
  entries: 0x53475345, // "ESGS"
  end: 0x454e4f44, // "DONE"
} as const;

/** The first number of a record. From `message` on: a message of the shape with the number above it. */
export const RecordTag = { shape: 0, intervention: 1, checkpoint: 2, message: 3 } as const;

const name = z.string().max(200);

export const headerSchema = z.strictObject({
  program: name.describe("version of Trackvisor"),
  scenario: z
    .unknown()
    .refine(isShallow, `expected at most ${LEVELS_MAX} levels of fields within fields`)
    .describe("what was run, complete"),
  directory: z
    .string()
    .max(4096)
    .nullable()
    .describe("where names of trace files start; null if none is needed"),
  traces: z
    .array(z.strictObject({ workload: name, digest: z.int() }))
    .describe("the accesses of each trace that is played"),
  machines: z.record(name, name).describe("digest of each machine's definition"),
  actors: z
    .array(z.strictObject({ name, machine: name }))
    .max(4096)
    .describe("in the order of their addresses, from 1"),
  parts: z.array(name).max(8192).describe("what a checkpoint digests"),
  parent: z
    .strictObject({
      log: name.describe("the parent's identity"),
      at: z.int().min(0).describe("messages that both have"),
    })
    .nullable()
    .describe("the log that this one branches off"),
});

export type LogHeader = z.output<typeof headerSchema>;

/** What the end marker says. */
export interface LogEnd {
  readonly messages: number;
  readonly time: number;
  /** Digest of all blocks: the log's identity. */
  readonly digest: number;
  /** Whether the run came to its end, or was interrupted. */
  readonly complete: boolean;
}

export function encodePreamble(): Buffer {
  const preamble = Buffer.alloc(PREAMBLE_BYTES);
  LOG_MAGIC.copy(preamble);
  preamble.writeUInt32LE(LOG_VERSION, LOG_MAGIC.length);
  return preamble;
}

export function encodeEnd(end: LogEnd): Buffer {
  const payload = Buffer.alloc(END_BYTES);
  payload.writeDoubleLE(end.messages, 0);
  payload.writeDoubleLE(end.time, 8);
  payload.writeUInt32LE(end.digest, 16);
  payload.writeUInt32LE(end.complete ? 1 : 0, 20);
  return payload;
}

/** @returns the end marker, or undefined if the payload is none */
export function decodeEnd(payload: Buffer): LogEnd | undefined {
  if (payload.length !== END_BYTES || payload.readUInt32LE(20) > 1) return undefined;
  return {
    messages: payload.readDoubleLE(0),
    time: payload.readDoubleLE(8),
    digest: payload.readUInt32LE(16),
    complete: payload.readUInt32LE(20) === 1,
  };
}

/** @returns the header, or why the payload is none */
export function decodeHeader(payload: Buffer): LogHeader | string {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString("utf8"));
  } catch {
    return "not JSON";
  }
  const { data } = headerSchema.safeParse(value);
  return data ?? String(problemOf(headerSchema, value));
}
