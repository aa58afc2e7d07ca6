/** Where a log is written to: a file, or memory. */
import { beginsWith } from "../io/byteSource.ts";
import { kindOfFile } from "../io/inputFile.ts";
import { OutputFile, type OutputOptions } from "../io/outputFile.ts";
import { LOG_MAGIC } from "./format.ts";
import type { LogSink } from "./writer.ts";

/**
 * A log on disk. Each block is handed to the operating system when it is full. It has its name when it is
 * whole; a recording says `unfinished: "keep"`, and has it as well when the process ends before.
 */
export class LogFile implements LogSink {
  readonly #file: OutputFile;

  /** @throws UserError if the file cannot be written, or exists and `force` is not set */
  constructor(path: string, options: OutputOptions = {}) {
    this.#file = new OutputFile(path, options);
  }

  write(bytes: Uint8Array): void {
    this.#file.write(bytes);
  }

  finish(): void {
    this.#file.commit();
  }

  /** Leaves nothing behind. Does nothing after finish(). */
  abort(): void {
    this.#file.abort();
  }
}

/** A log in memory. */
export class LogBuffer implements LogSink {
  readonly #pieces: Uint8Array[] = [];

  write(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
  }

  finish(): void {}

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}

/** Whether there is a plain file of that name, and it begins as a log of some version does. */
export function isLogFile(path: string): boolean {
  return kindOfFile(path) === "plain" && beginsWith(path, LOG_MAGIC);
}
