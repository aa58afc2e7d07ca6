/** More bytes at the end of a file that this process has written. */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  writeSync,
} from "node:fs";
import { UserError } from "../errors.ts";
import { systemReason } from "./systemError.ts";

/**
 * A change at the end of a file: committed as a whole, or taken back. What breaks off in its middle leaves
 * bytes behind the ones that were there, so the format must say itself where it ends.
 */
export class FileExtension {
  readonly path: string;
  readonly #begun: number;
  #descriptor: number | null;
  #end: number;

  /**
   * @param length bytes of the file that stay; what follows them is cut off
   * @throws UserError if the file cannot be written, or is shorter
   */
  constructor(path: string, length: number) {
    this.path = path;
    this.#begun = length;
    this.#end = length;
    this.#descriptor = this.#attempt(() =>
      // A link in the place of the file that was written is not followed.
      openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK),
    );
    try {
      this.#attempt(() => this.#cut(length));
    } catch (error) {
      closeSync(this.#descriptor);
      this.#descriptor = null;
      throw error;
    }
  }

  /** @throws UserError, for instance if the disk is full */
  write(bytes: Uint8Array): void {
    const descriptor = this.#open();
    this.#attempt(() => {
      for (let done = 0; done < bytes.length; ) {
        const wrote = writeSync(descriptor, bytes, done, bytes.length - done, this.#end);
        done += wrote;
        this.#end += wrote;
      }
    });
  }

  /** Makes it durable. @throws UserError */
  commit(): void {
    const descriptor = this.#open();
    this.#attempt(() => fsyncSync(descriptor));
    closeSync(descriptor);
    this.#descriptor = null;
  }

  /** Takes it back, as far as that is possible. Does nothing after a commit. */
  abort(): void {
    if (this.#descriptor === null) return;
    try {
      ftruncateSync(this.#descriptor, this.#begun);
    } catch {
      // The rest stays; the format says where the sound part ends.
    }
    closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #cut(length: number): void {
    const descriptor = this.#open();
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new UserError(`${this.path}: is not a plain file any more`);
    if (status.size < length) {
      throw new UserError(
        `${this.path}: is shorter than the ${length} bytes that were written to it`,
      );
    }
    ftruncateSync(descriptor, length);
  }

  #open(): number {
    if (this.#descriptor === null) throw new Error(`${this.path} is closed`);
    return this.#descriptor;
  }

  #attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`${this.path}: cannot be written: ${systemReason(error)}`);
    }
  }
}
