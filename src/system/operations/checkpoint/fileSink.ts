/**
 * A checkpoint file on disk. A new file is written under a temporary name and renamed when its first
 * checkpoint is committed, so the file of an earlier run stays until this one has something better.
 */
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { beginsWith } from "../../../../workloads/trace/byteSource.ts";
import { systemReason } from "../../../../workloads/trace/systemError.ts";
import { UserError } from "../../../errors.ts";
import { CHECKPOINT_MAGIC } from "./format.ts";
import { type CheckpointSink, SinkError } from "./sink.ts";

export class FileSink implements CheckpointSink {
  readonly parts = [];
  readonly #path: string;
  readonly #temporary: string;
  #descriptor = -1;
  #begun = 0;
  #end = 0;

  /** @throws UserError if its directory cannot be written, or the file exists and is no checkpoint: it is not ours to replace */
  constructor(path: string) {
    this.#path = path;
    this.#temporary = `${path}.${process.pid}.tmp`;
    refuseOther(path);
  }

  begin(length: number): void {
    this.abandon();
    this.#attempt(() => {
      this.#descriptor = openSync(
        length === 0 ? this.#temporary : this.#path,
        length === 0 ? "w" : "r+",
      );
      if (fstatSync(this.#descriptor).size < length) {
        throw new Error(`it is shorter than the ${length} bytes that were written to it`);
      }
      // The rest of a checkpoint that was not committed.
      ftruncateSync(this.#descriptor, length);
    });
    this.#begun = length;
    this.#end = length;
  }

  write(bytes: Uint8Array): void {
    this.#attempt(() => {
      for (let done = 0; done < bytes.length; ) {
        const wrote = writeSync(this.#descriptor, bytes, done, bytes.length - done, this.#end);
        done += wrote;
        this.#end += wrote;
      }
    });
  }

  commit(): void {
    this.#attempt(() => {
      fsyncSync(this.#descriptor);
      if (this.#begun === 0) {
        renameSync(this.#temporary, this.#path);
        syncDirectory(dirname(this.#path));
      }
      closeSync(this.#descriptor);
      this.#descriptor = -1;
    });
  }

  abandon(): void {
    if (this.#descriptor < 0) return;
    try {
      if (this.#begun > 0) ftruncateSync(this.#descriptor, this.#begun);
      closeSync(this.#descriptor);
      if (this.#begun === 0) rmSync(this.#temporary, { force: true });
    } catch {
      // The rest stays, without a commit record: readers stop before it.
    }
    this.#descriptor = -1;
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw new SinkError(`${this.#path}: ${systemReason(error)}`);
    }
  }
}

/** A rename is durable when the directory is (not every system can do this). */
function syncDirectory(path: string): void {
  try {
    const descriptor = openSync(path, "r");
    fsyncSync(descriptor);
    closeSync(descriptor);
  } catch {
    // Then it is durable a little later.
  }
}

function refuseOther(path: string): void {
  let reason: string;
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) {
      // Whether there is a place for it is known now, and not only after the first checkpoint.
      accessSync(dirname(path), constants.W_OK);
      return;
    }
    if (status.isFile() && status.size === 0) return;
    if (status.isFile() && beginsWith(path, CHECKPOINT_MAGIC)) return;
    reason = "exists and is no checkpoint file; choose another name";
  } catch (error) {
    reason = `cannot be used: ${systemReason(error)}`;
  }
  throw new UserError(`${path}: ${reason}`);
}
