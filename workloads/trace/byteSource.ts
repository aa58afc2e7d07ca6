/** The bytes of a recorded file, read from where one wants. */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { UserError } from "../../src/errors.ts";
import { systemReason } from "./systemError.ts";

export interface ByteSource {
  readonly name: string;
  readonly length: number;
  /** Fewer bytes only at the end. */
  read(offset: number, length: number): Buffer;
  close(): void;
}

/** Whether a file begins with these bytes. @throws what the system says if it cannot be read */
export function beginsWith(path: string, bytes: Buffer): boolean {
  const descriptor = openSync(path, "r");
  try {
    const start = Buffer.alloc(bytes.length);
    readSync(descriptor, start, 0, start.length, 0);
    return start.equals(bytes);
  } finally {
    closeSync(descriptor);
  }
}

/** A file's bytes. @throws UserError if it cannot be read */
export function openSource(path: string): ByteSource {
  const descriptor = attempt(path, () => {
    // Opening a pipe would wait for its writer.
    if (!statSync(path).isFile()) throw new UserError(`${path}: is not a plain file`);
    return openSync(path, "r");
  });
  return {
    name: path,
    length: fstatSync(descriptor).size,
    read(offset, length) {
      const bytes = Buffer.alloc(length);
      let done = 0;
      while (done < length) {
        const from = offset + done;
        const got = attempt(path, () => readSync(descriptor, bytes, done, length - done, from));
        if (got === 0) break;
        done += got;
      }
      return bytes.subarray(0, done);
    },
    close: () => closeSync(descriptor),
  };
}

/** Bytes in memory as a source. */
export function sourceOf(name: string, bytes: Buffer): ByteSource {
  const read = (offset: number, length: number) => bytes.subarray(offset, offset + length);
  return { name, length: bytes.length, read, close: () => {} };
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path}: cannot be read: ${systemReason(error)}`);
  }
}
