/** Where a checkpoint's bytes go: a file, or memory. Changes come in transactions. */
import type { Part } from "../../../hardware/part.ts";
import { ByteList } from "./byteList.ts";

export interface CheckpointSink {
  /** Its name; null: it has none. */
  readonly name: string | null;
  /**
   * Begins to add to the file's first `length` bytes, which it must have; with 0 begins a new file,
   * which takes the place of the one before when it is committed.
   */
  begin(length: number): void;
  write(bytes: Uint8Array): void;
  /** What was written since begin() will survive a crash now. */
  commit(): void;
  /** Forgets what was written since begin(), as far as possible. */
  abandon(): void;
  /** What it keeps in memory. */
  readonly parts: readonly Part[];
}

/** Thrown by a sink that cannot take what it is given. The message names the file and the reason. */
export class SinkError extends Error {}

/** Keeps the file in memory, as a part of the system. */
export class MemorySink implements CheckpointSink {
  readonly name = null;
  readonly #file = new ByteList("checkpoint/memory");
  #from = 0;
  #pieces: Uint8Array[] = [];

  get parts(): readonly Part[] {
    return [this.#file];
  }

  /** The file as it is now, detached. */
  get bytes(): Buffer {
    return Buffer.from(this.#file.bytes);
  }

  begin(length: number): void {
    this.#from = length;
    this.#pieces = [];
  }

  write(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
  }

  commit(): void {
    this.#file.replaceFrom(this.#from, this.#pieces);
    this.#pieces = [];
  }

  abandon(): void {
    this.#pieces = [];
  }
}
