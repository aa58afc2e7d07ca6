/** The bytes of a recorded file, read from where one wants. */
import { closeSync, fstatSync, readSync } from "node:fs";
import { openPlain, reading } from "./inputFile.ts";

export interface ByteSource {
  readonly name: string;
  readonly length: number;
  /** Fewer bytes only at the end. */
  read(offset: number, length: number): Buffer;
  close(): void;
}

/** A file's bytes. @throws UserError if it cannot be read, or is no plain file */
export function openSource(path: string): ByteSource {
  const descriptor = openPlain(path);
  return {
    name: path,
    length: fstatSync(descriptor).size,
    read(offset, length) {
      const bytes = Buffer.alloc(length);
      let done = 0;
      while (done < length) {
        const from = offset + done;
        const got = reading(path, () => readSync(descriptor, bytes, done, length - done, from));
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

/** Whether a file is plain and begins with these bytes. @throws UserError if it cannot be read */
export function beginsWith(path: string, bytes: Buffer): boolean {
  const source = openSource(path);
  try {
    return source.read(0, bytes.length).equals(bytes);
  } finally {
    source.close();
  }
}
