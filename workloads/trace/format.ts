/** The constants of the trace file format and its frames; docs/trace-format.md describes it. */
import { crc32 } from "node:zlib";

export const MAGIC = Buffer.from("TVTRACE\0", "latin1");
/** Of a trace whose addresses are linear, as all were once. */
export const VERSION = 1;
/** Whose header says what the addresses are. */
export const VERSION_WITH_ADDRESSES = 2;
/** Of a whole machine: runs have events between them. */
export const VERSION_OF_MACHINES = 3;
/** Of any addresses, with what was printed. */
export const VERSION_WITH_CONSOLE = 4;
/** Magic and version. */
export const PREAMBLE_BYTES = 12;
/** Type, sequence number, payload length, checksum. */
export const FRAME_BYTES = 16;
/** Larger payloads are damage: nothing of the file's size is ever allocated at once. */
export const PAYLOAD_MAX = 1 << 20;

export const FrameType = {
  header: 0x44414548, // "HEAD"
  runs: 0x534e5552, // "RUNS"
  text: 0x54584554, // "TEXT"
  end: 0x454e4f44, // "DONE"
} as const;

/** 4 KiB pages: page number = address >> 12, so 52 bits. */
export const TRACE_PAGE_SHIFT = 12;
export const TRACE_PAGES_MAX = 2 ** 52;
export const RUNS_MAX = 65536;
/** Longest run; longer ones are split, so that a length fits a signed word. */
export const RUN_LENGTH_MAX = 0x7fffffff;
/** One byte, seven more of page difference, five of length. */
export const RUN_BYTES_MAX = 13;
export const COMMAND_BYTES_MAX = 4096;
/** Runs, size when inflated, accesses. */
export const RUNS_PREFIX_BYTES = 16;
/** Of a machine's: events, and their size when inflated, too. */
export const EVENTS_PREFIX_BYTES = 8;
export const END_BYTES = 68;

/** Accesses of each kind, in the order of AccessKind: read, write, fetch, read-modify-write. */
export type KindCounts = [number, number, number, number];

/** What the end marker holds. All numbers are exact. */
export interface TraceTotals {
  runs: number;
  kinds: KindCounts;
  /** Different pages: the linear pages when they are numbered by first touch. */
  pages: number;
  /** Different 1 GiB regions; times 2^18, the linear pages when regions are kept whole. */
  regions: number;
  /** Lines of the source that were not accesses. */
  skippedLines: number;
  /** CRC-32 over the checksums of all blocks of runs: the same for the same accesses. */
  digest: number;
}

/**
 * What addresses of a trace are: a program's own, a guest's physical ones, or those of a whole machine, with what its
 * processor translated them to (events.ts).
 */
export const addressKinds = ["linear", "guestPhysical", "machine"] as const;
export type AddressKind = (typeof addressKinds)[number];
const VERSIONS: Readonly<Record<AddressKind, number>> = {
  linear: VERSION,
  guestPhysical: VERSION_WITH_ADDRESSES,
  machine: VERSION_OF_MACHINES,
};

export interface TraceHeader {
  readonly addresses: AddressKind;
  /** The command that was traced; empty if unknown. It is text from the trace: escape control characters. */
  readonly command: string;
  /** Whether it tells what was printed, which may be nothing. Default: no. */
  readonly hasConsole?: boolean;
}

/** Where a file stops making sense. Everything before was used. */
export interface Damage {
  /** The frame that cannot be read; 0 is the header. */
  readonly block: number;
  /** Its first byte in the file. */
  readonly offset: number;
  readonly reason: string;
}

export function totalAccesses(kinds: Readonly<KindCounts>): number {
  return kinds[0] + kinds[1] + kinds[2] + kinds[3];
}

/** @returns the frame in front of a payload, with its checksum. */
export function encodeFrame(type: number, sequence: number, payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(FRAME_BYTES);
  frame.writeUInt32LE(type, 0);
  frame.writeUInt32LE(sequence, 4);
  frame.writeUInt32LE(payload.length, 8);
  frame.writeUInt32LE(frameChecksum(frame, payload), 12);
  return frame;
}

/** CRC-32 over the frame's first 12 bytes and the payload. */
export function frameChecksum(frame: Uint8Array, payload: Uint8Array): number {
  return crc32(payload, crc32(frame.subarray(0, 12)));
}

/** The digest of a trace, one checksum of a block of runs further. */
export function extendDigest(digest: number, checksum: number): number {
  const word = Buffer.alloc(4);
  word.writeUInt32LE(checksum);
  return crc32(word, digest);
}

export function encodePreamble(header: Omit<TraceHeader, "command">): Buffer {
  const preamble = Buffer.alloc(PREAMBLE_BYTES);
  MAGIC.copy(preamble);
  preamble.writeUInt32LE(versionOf(header), MAGIC.length);
  return preamble;
}

function versionOf({ addresses, hasConsole = false }: Omit<TraceHeader, "command">): number {
  return hasConsole ? VERSION_WITH_CONSOLE : VERSIONS[addresses];
}

export function encodeHeader(header: TraceHeader): Buffer {
  const text = Buffer.from(header.command, "utf8").subarray(0, COMMAND_BYTES_MAX);
  const words = [TRACE_PAGE_SHIFT, text.length];
  if (versionOf(header) !== VERSION) words.push(addressKinds.indexOf(header.addresses));
  const payload = Buffer.alloc(4 * words.length + text.length);
  for (const [i, word] of words.entries()) payload.writeUInt32LE(word, 4 * i);
  text.copy(payload, 4 * words.length);
  return payload;
}

/** @returns the header, or why it is none. */
export function decodeHeader(payload: Buffer, version: number): TraceHeader | string {
  const textAt = version === VERSION ? 8 : 12;
  if (payload.length < textAt) return "the header is too short";
  if (payload.readUInt32LE(0) !== TRACE_PAGE_SHIFT) return "the pages are not of 4 KiB";
  const length = payload.readUInt32LE(4);
  if (length > COMMAND_BYTES_MAX || payload.length !== textAt + length) {
    return "the header's length is wrong";
  }
  const addresses = version === VERSION ? "linear" : addressKinds[payload.readUInt32LE(8)];
  const hasConsole = version === VERSION_WITH_CONSOLE;
  if (addresses === undefined || versionOf({ addresses, hasConsole }) !== version) {
    return "the addresses are of no known kind";
  }
  return { addresses, command: payload.toString("utf8", textAt), hasConsole };
}

export function encodeTotals(totals: Readonly<TraceTotals>): Buffer {
  const payload = Buffer.alloc(END_BYTES);
  const { runs, kinds, pages, regions, skippedLines } = totals;
  [runs, ...kinds, pages, regions, skippedLines].forEach((value, i) => {
    payload.writeBigUInt64LE(BigInt(value), i * 8);
  });
  payload.writeUInt32LE(totals.digest, END_BYTES - 4);
  return payload;
}

/** @returns the totals, or undefined if the payload is none. */
export function decodeTotals(payload: Buffer): TraceTotals | undefined {
  if (payload.length !== END_BYTES) return undefined;
  const at = (i: number) => Number(payload.readBigUInt64LE(i * 8));
  return {
    runs: at(0),
    kinds: [at(1), at(2), at(3), at(4)],
    pages: at(5),
    regions: at(6),
    skippedLines: at(7),
    digest: payload.readUInt32LE(END_BYTES - 4),
  };
}
