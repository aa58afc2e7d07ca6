/**
 * The ways to read a file. A name may stand for anything: a pipe that nobody writes to, a device without
 * an end, a file larger than memory. Opening never waits, and what is read has a limit.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  createReadStream,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import type { Readable } from "node:stream";
import { UserError } from "../errors.ts";
import { systemReason } from "./systemError.ts";

const CHUNK_BYTES = 1 << 16;

/** What a name stands for. */
export type FileKind = "none" | "plain" | "directory" | "pipe" | "device";

/** @throws UserError if that cannot be known, for instance in a directory that may not be read */
export function kindOfFile(path: string): FileKind {
  const status = reading(path, () => statSync(path, { throwIfNoEntry: false }));
  return status === undefined ? "none" : kindOf(status);
}

/** Whether there is something of that name; not said if that cannot be known. */
export function exists(path: string): boolean {
  return existsSync(path);
}

/** Whether two names stand for one file. */
export function isSameFile(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return false;
  }
}

/**
 * Opens a plain file for reading.
 * @returns its descriptor, to be closed
 * @throws UserError, one line, if there is none, or it is something else
 */
export function openPlain(path: string): number {
  return reading(path, () => {
    // Some devices do something when they are opened: those are not.
    refuseOthers(path, statSync(path));
    // And what has taken the place of a plain file since then is not waited for.
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      refuseOthers(path, fstatSync(descriptor));
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    return descriptor;
  });
}

/** A whole plain file. @throws UserError, one line, also if it is larger than `most` bytes */
export function readBytes(path: string, most: number): Buffer {
  const descriptor = openPlain(path);
  try {
    const pieces: Buffer[] = [];
    let length = 0;
    for (;;) {
      const piece = Buffer.alloc(CHUNK_BYTES);
      const got = reading(path, () => readSync(descriptor, piece));
      if (got === 0) return Buffer.concat(pieces);
      length += got;
      if (length > most) throw new UserError(`${path}: larger than ${sizeText(most)}`);
      pieces.push(piece.subarray(0, got));
    }
  } finally {
    closeSync(descriptor);
  }
}

/** A whole plain text file in UTF-8. @throws UserError, one line, also if it is larger than `most` bytes */
export function readText(path: string, most: number): string {
  return readBytes(path, most).toString("utf8");
}

/** Identifies a plain file's contents, however large. @throws UserError, one line, if it cannot be read */
export function digestOfFile(path: string): string {
  const descriptor = openPlain(path);
  try {
    const hash = createHash("sha256");
    const piece = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const got = reading(path, () => readSync(descriptor, piece));
      if (got === 0) return hash.digest("hex").slice(0, 32);
      hash.update(piece.subarray(0, got));
    }
  } finally {
    closeSync(descriptor);
  }
}

export interface InputStream {
  readonly bytes: Readable;
  /** Undefined if it is not known before the end. */
  readonly length: number | undefined;
}

/**
 * A plain file, or standard input, from its start to its end.
 * @param path "-" is standard input
 * @param chunkBytes read at a time
 * @throws UserError, one line, if it is something else
 */
export function openStream(path: string, chunkBytes: number): InputStream {
  if (path === "-") return { bytes: process.stdin, length: undefined };
  if (kindOfFile(path) === "pipe") {
    throw new UserError(`${path}: is a pipe: give it as standard input, - < ${path}`);
  }
  const fd = openPlain(path);
  return {
    bytes: createReadStream("", { fd, highWaterMark: chunkBytes }),
    length: fstatSync(fd).size,
  };
}

/** Names in a directory, in order. @throws UserError if it cannot be read */
export function listDirectory(path: string, recursive = false): string[] {
  return reading(path, () => readdirSync(path, { recursive, encoding: "utf8" })).sort();
}

/** Does something that reads a file; what the system says against it becomes one line. */
export function reading<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path}: cannot be read: ${systemReason(error)}`);
  }
}

function kindOf(status: Stats): Exclude<FileKind, "none"> {
  if (status.isFile()) return "plain";
  if (status.isDirectory()) return "directory";
  return status.isFIFO() || status.isSocket() ? "pipe" : "device";
}

function refuseOthers(path: string, status: Stats): void {
  const kind = kindOf(status);
  if (kind !== "plain") throw new UserError(`${path}: is not a plain file but a ${kind}`);
}

function sizeText(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)} MiB`;
}
