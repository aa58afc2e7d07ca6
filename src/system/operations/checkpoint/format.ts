/** The constants of the checkpoint file and its header and commit records; docs/checkpoint-format.md describes it. */
import * as z from "zod";
import { CHECKPOINT_MODES } from "./checkpointSchema.ts";

export const CHECKPOINT_MAGIC = Buffer.from("TVCHKPT\0", "latin1");
export const CHECKPOINT_VERSION = 1;
export const PAGE_BYTES = 4096;
/** Magic and version. */
export const PREAMBLE_BYTES = 12;
/** Checkpoint number, VM, count: in front of every block of pages, tables, bytes or machines. */
export const PREFIX_BYTES = 12;
export const COMMIT_BYTES = 32;
/** Checkpoint number, in front of a piece of state. */
export const STATE_PREFIX_BYTES = 4;
/** A block is closed when it is this large; what one table adds is far less than the rest of 1 MiB. */
export const BLOCK_BYTES = 1 << 18;

export const BlockType = {
  header: 0x44414548, // "HEAD"
  pages: 0x45474150, // "PAGE"
  tables: 0x4c424154, // "TABL"
  state: 0x54415453, // "STAT"
  bytes: 0x45545942, // "BYTE"
  machine: 0x4843414d, // "MACH"
  commit: 0x54494d43, // "CMIT"
} as const;

const count = z
  .int()
  .min(0)
  .max(2 ** 31);

const layoutSchema = z.strictObject({
  name: z.string().max(100),
  pages: count.describe("data pages, from 0"),
  firstTable: count.describe("first page of the guest's own paging structures"),
  tables: count.describe("how many pages those are"),
  bytes: z.literal(true).optional().describe("it has a machine, with bytes in its pages"),
});

/** Which guest-physical pages a VM has. */
export type VmLayout = z.output<typeof layoutSchema>;

export const headerSchema = z.strictObject({
  mode: z.enum(CHECKPOINT_MODES),
  technique: z.string().max(100),
  scenario: z.string().max(100).describe("digest of the scenario; empty if unknown"),
  geometry: z.strictObject({
    eptLevels: count,
    guestLevels: count,
    indexBits: z.int().min(1).max(12),
  }),
  vms: z.array(layoutSchema).min(1).max(64),
});

export type CheckpointHeader = z.output<typeof headerSchema>;

/** 32-bit words in a page of the guest's paging structures. */
export function wordsOfTable({ geometry }: CheckpointHeader): number {
  return 2 << geometry.indexBits;
}

export interface CommitRecord {
  readonly number: number;
  /** Whether it holds all pages, so that nothing before it is needed. */
  readonly full: boolean;
  /** Blocks of the checkpoint, and the digest of their checksums. */
  readonly blocks: number;
  readonly digest: number;
  /** Virtual time of its contents, in cycles. */
  readonly time: number;
  /** Pages that its blocks hold. */
  readonly pages: number;
}

export function encodePreamble(): Buffer {
  const preamble = Buffer.alloc(PREAMBLE_BYTES);
  CHECKPOINT_MAGIC.copy(preamble);
  preamble.writeUInt32LE(CHECKPOINT_VERSION, CHECKPOINT_MAGIC.length);
  return preamble;
}

export function encodePrefix(number: number, vm: number, entries: number): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32LE(number, 0);
  prefix.writeUInt32LE(vm, 4);
  prefix.writeUInt32LE(entries, 8);
  return prefix;
}

export function encodeCommit(record: CommitRecord): Buffer {
  const payload = Buffer.alloc(COMMIT_BYTES);
  payload.writeUInt32LE(record.number, 0);
  payload.writeUInt32LE(record.full ? 1 : 0, 4);
  payload.writeUInt32LE(record.blocks, 8);
  payload.writeUInt32LE(record.digest, 12);
  payload.writeDoubleLE(record.time, 16);
  payload.writeDoubleLE(record.pages, 24);
  return payload;
}

/** @returns the record, or undefined if the payload is none. */
export function decodeCommit(payload: Buffer): CommitRecord | undefined {
  if (payload.length !== COMMIT_BYTES || payload.readUInt32LE(4) > 1) return undefined;
  const [time, pages] = [payload.readDoubleLE(16), payload.readDoubleLE(24)];
  if (!(time >= 0) || !Number.isSafeInteger(pages) || pages < 0) return undefined;
  return {
    number: payload.readUInt32LE(0),
    full: payload.readUInt32LE(4) === 1,
    blocks: payload.readUInt32LE(8),
    digest: payload.readUInt32LE(12),
    time,
    pages,
  };
}

/** @returns the header, or undefined if the payload is none. */
export function decodeHeader(payload: Buffer): CheckpointHeader | undefined {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString("utf8"));
  } catch {
    return undefined;
  }
  return headerSchema.safeParse(value).data;
}
