/** Where a log is written to: a file, or memory. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { beginsWith } from "../../workloads/trace/byteSource.ts";
import { systemReason } from "../../workloads/trace/systemError.ts";
import { UserError } from "../errors.ts";
import { LOG_MAGIC } from "./format.ts";
import type { LogSink } from "./writer.ts";

/**
 * A log on disk. Each block is handed to the operating system when it is full: if the program is killed,
 * the file holds all blocks before, and no end marker.
 */
export class LogFile implements LogSink {
  readonly #path: string;
  readonly #descriptor: number;

  /**
   * @param named what errors call it
   * @throws UserError if the file cannot be written, or exists and is no log: it is not ours to replace
   */
  constructor(path: string, named = path) {
    this.#path = named;
    this.#descriptor = this.#attempt(() => {
      refuseOther(path);
      return openSync(path, "w");
    });
  }

  write(bytes: Uint8Array): void {
    this.#attempt(() => {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#descriptor, bytes, done);
    });
  }

  finish(): void {
    this.#attempt(() => {
      fsyncSync(this.#descriptor);
      closeSync(this.#descriptor);
    });
  }

  #attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`${this.#path}: cannot be written: ${systemReason(error)}`);
    }
  }
}

/**
 * A log that takes its name when it is whole: until then its blocks are in a file beside it, and what had
 * the name before is untouched.
 */
export class LogDraft implements LogSink {
  readonly #path: string;
  readonly #draft: string;
  readonly #file: LogFile;
  #open = true;

  /** @throws UserError if it cannot be written, or the name is that of something else than a log */
  constructor(path: string) {
    refuseOther(path);
    this.#path = path;
    this.#draft = `${path}.${process.pid}.part`;
    this.#file = new LogFile(this.#draft, path);
  }

  write(bytes: Uint8Array): void {
    this.#file.write(bytes);
  }

  finish(): void {
    this.#file.finish();
    renameSync(this.#draft, this.#path);
    this.#open = false;
  }

  /** Nothing is to come of it. After finish: does nothing. */
  abandon(): void {
    if (!this.#open) return;
    this.#open = false;
    rmSync(this.#draft, { force: true });
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

function refuseOther(path: string): void {
  if (!existsSync(path)) return;
  if (!statSync(path).isFile()) {
    throw new UserError(`${path}: is not a plain file; choose another name`);
  }
  if (statSync(path).size > 0 && !isLogFile(path)) {
    throw new UserError(`${path}: exists and is no message log; choose another name`);
  }
}

/** Whether there is a plain file of that name, and it begins as a log of some version does. */
export function isLogFile(path: string): boolean {
  const isPlain = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  return isPlain && beginsWith(path, LOG_MAGIC);
}
