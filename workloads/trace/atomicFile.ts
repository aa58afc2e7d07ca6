/** A file that appears under its name complete, or not at all. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { UserError } from "../../src/errors.ts";
import { systemReason } from "./systemError.ts";

export class AtomicFile {
  readonly path: string;
  private readonly temporary: string;
  private descriptor: number | undefined;

  /** @throws UserError if the path cannot be written, or is something else than a plain file. */
  constructor(path: string) {
    this.path = path;
    this.temporary = `${path}.${process.pid}.tmp`;
    // Renaming over a device or a pipe would replace it.
    const existing = this.attempt(() => statSync(path, { throwIfNoEntry: false }));
    if (existing?.isFile() === false) {
      throw new UserError(`${path}: is not a plain file; choose another output`);
    }
    this.descriptor = this.attempt(() => openSync(this.temporary, "wx"));
  }

  /** @throws UserError, for instance if the disk is full. */
  write(bytes: Uint8Array): void {
    const descriptor = this.open();
    this.attempt(() => {
      for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
    });
  }

  /** Gives the file its name. */
  commit(): void {
    const descriptor = this.open();
    this.attempt(() => {
      fsyncSync(descriptor);
      renameSync(this.temporary, this.path);
    });
    this.descriptor = undefined;
    closeSync(descriptor);
  }

  /** Leaves nothing behind. Does nothing after a commit. */
  abort(): void {
    if (this.descriptor === undefined) return;
    closeSync(this.descriptor);
    this.descriptor = undefined;
    rmSync(this.temporary, { force: true });
  }

  private open(): number {
    if (this.descriptor === undefined) throw new Error(`${this.path} is closed`);
    return this.descriptor;
  }

  private attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw new UserError(`${this.path}: cannot be written: ${systemReason(error)}`);
    }
  }
}
