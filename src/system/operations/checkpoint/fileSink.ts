/**
 * A checkpoint file on disk. A new file gets its name when its first checkpoint is committed, so the file
 * of an earlier run stays until this one has something better; further checkpoints are added at its end.
 */

import { UserError } from "../../../errors.ts";
import { FileExtension } from "../../../io/fileExtension.ts";
import { OutputFile, type OutputOptions, refuseUnwritable } from "../../../io/outputFile.ts";
import { systemReason } from "../../../io/systemError.ts";
import { type CheckpointSink, SinkError } from "./sink.ts";

export class FileSink implements CheckpointSink {
  readonly parts = [];
  readonly name: string;
  /** Whether what has the name may be replaced: it was said, or it is ours. */
  #force: boolean;
  #change: OutputFile | FileExtension | null = null;

  /** @throws UserError if the file cannot be written, or exists and `force` is not set */
  constructor(path: string, options: OutputOptions = {}) {
    this.name = path;
    this.#force = options.force === true;
    // Whether there is a place for it is known now, and not only after the first checkpoint.
    refuseUnwritable(path, options);
  }

  begin(length: number): void {
    this.abandon();
    this.#attempt(() => {
      this.#change =
        length === 0
          ? new OutputFile(this.name, { force: this.#force })
          : new FileExtension(this.name, length);
    });
  }

  write(bytes: Uint8Array): void {
    this.#attempt(() => this.#change?.write(bytes));
  }

  commit(): void {
    this.#attempt(() => this.#change?.commit());
    this.#change = null;
    this.#force = true;
  }

  abandon(): void {
    this.#change?.abort();
    this.#change = null;
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (error instanceof UserError) throw new SinkError(error.message);
      throw new SinkError(`${this.name}: ${systemReason(error)}`);
    }
  }
}
