/**
 * The one way to write a file. It gets its name when it is complete: what has the name before stays until
 * then, and stays for good unless it was said (`--force`) that it may go.
 */
import { randomBytes } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { UserError } from "../errors.ts";
import { codeOf, systemReason } from "./systemError.ts";
import { atEndOfProcess } from "./unfinished.ts";

export interface OutputOptions {
  /** Whether a plain file of that name may be replaced. Default: not. */
  readonly force?: boolean | undefined;
  /**
   * What becomes of it if the process ends before commit(), by a signal or a fault: it is removed, or it
   * gets its name as far as it was written. Keep only what can be read up to where it breaks off.
   */
  readonly unfinished?: "remove" | "keep";
}

/** Attempts to find a temporary name that nobody has. */
const ATTEMPTS = 8;
const PERMISSIONS = 0o777;

/**
 * A file in the making. Write it, then commit() it; whatever happens, abort() in a `finally`. It is
 * written under a temporary name, made exclusively, in the directory of its own; commit() makes the bytes
 * durable (fsync), gives the name in one step, and makes that durable, too.
 */
export class OutputFile {
  readonly path: string;
  /** Where the name leads: a symbolic link to a plain file is followed. */
  readonly #target: string;
  readonly #force: boolean;
  readonly #temporary: string;
  #descriptor: number | null;
  #forget: () => void = () => {};

  /**
   * Begins a file.
   * @throws UserError, one line: there is a file of that name and `force` is not set, there is something
   *   else than a plain file, or the directory cannot be written
   */
  constructor(path: string, { force = false, unfinished = "remove" }: OutputOptions = {}) {
    this.path = path;
    this.#force = force;
    const { target, mode } = attempt(path, () => place(path, force));
    this.#target = target;
    const { temporary, descriptor } = attempt(path, () => createTemporary(dirname(target), mode));
    this.#temporary = temporary;
    this.#descriptor = descriptor;
    this.#forget = atEndOfProcess(() => {
      if (unfinished === "remove") this.abort();
      else this.commit();
    });
  }

  /** Bytes at the end. @throws UserError, for instance if the disk is full */
  write(bytes: Uint8Array): void {
    const descriptor = this.#open();
    attempt(this.path, () => {
      for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
    });
  }

  /** Gives the file its name. @throws UserError; the file is then gone, and what had the name is as it was */
  commit(): void {
    const descriptor = this.#open();
    try {
      attempt(this.path, () => {
        fsyncSync(descriptor);
        if (this.#force) renameSync(this.#temporary, this.#target);
        else giveNewName(this.#temporary, this.#target);
      });
    } catch (error) {
      this.abort();
      throw error;
    }
    this.#close();
    syncDirectory(dirname(this.#target));
  }

  /** Leaves nothing behind. Does nothing after a commit. */
  abort(): void {
    if (this.#descriptor === null) return;
    this.#close();
    rmSync(this.#temporary, { force: true });
  }

  #open(): number {
    if (this.#descriptor === null) throw new Error(`${this.path} is closed`);
    return this.#descriptor;
  }

  #close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
    this.#forget();
  }
}

/** Writes a whole file. @throws UserError, as OutputFile does */
export function writeOutput(
  path: string,
  contents: string | Uint8Array,
  options: OutputOptions = {},
): void {
  const file = new OutputFile(path, options);
  try {
    file.write(typeof contents === "string" ? Buffer.from(contents) : contents);
    file.commit();
  } finally {
    file.abort();
  }
}

/**
 * Says before the work what could not be written after it.
 * @throws UserError if an OutputFile of that name could not be begun
 */
export function refuseUnwritable(path: string, { force = false }: OutputOptions = {}): void {
  attempt(path, () => {
    const { target } = place(path, force);
    accessSync(dirname(target), constants.W_OK);
  });
}

/** Makes a directory, and those above it. @throws UserError if it cannot be made */
export function makeDirectory(path: string): void {
  try {
    // One by one: Node's own way does not end where the system has no new names, as in /proc.
    const above = dirname(resolve(path));
    if (!existsSync(above)) makeDirectory(above);
    if (!existsSync(path)) mkdirSync(path);
    else if (!statSync(path).isDirectory())
      throw new UserError(`${path}: cannot be made: it is not a directory`);
  } catch (error) {
    // Another process may have made it in between.
    if (codeOf(error) === "EEXIST" && statSync(path).isDirectory()) return;
    if (error instanceof UserError) throw error;
    throw new UserError(`${path}: cannot be made: ${systemReason(error)}`);
  }
}

/** A rename is durable when its directory is (not every file system can do this). */
export function syncDirectory(path: string): void {
  try {
    const descriptor = openSync(path, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // Then it is durable a little later.
  }
}

/** Where a file of that name goes, and with which permissions. @throws UserError if it may not */
function place(path: string, force: boolean): { readonly target: string; readonly mode: number } {
  if (path === "") throw new UserError("expected a file's name, not an empty one");
  const link = lstatSync(path, { throwIfNoEntry: false });
  if (link === undefined) return { target: path, mode: 0o666 };
  const status = statSync(path, { throwIfNoEntry: false });
  // Renaming over a device or a pipe would replace it.
  if (status?.isFile() === false) {
    throw new UserError(`${path}: is not a plain file; choose another name`);
  }
  if (!force) throw existing(path);
  // A link to nowhere is replaced itself.
  if (status === undefined) return { target: path, mode: 0o666 };
  return { target: realpathSync(path), mode: status.mode & PERMISSIONS };
}

function existing(path: string): UserError {
  return new UserError(`${path}: exists; choose another name, or replace it with --force`);
}

function createTemporary(
  directory: string,
  mode: number,
): { readonly temporary: string; readonly descriptor: number } {
  for (let attempts = 1; ; attempts++) {
    const temporary = join(directory, `.trackvisor-${randomBytes(8).toString("hex")}.tmp`);
    try {
      // "x": a file or a link that somebody has put there is not followed.
      return { temporary, descriptor: openSync(temporary, "wx", mode) };
    } catch (error) {
      if (codeOf(error) !== "EEXIST" || attempts === ATTEMPTS) throw error;
    }
  }
}

/** Gives a name that nobody has, in one step: a link, unlike a rename, does not replace. */
function giveNewName(temporary: string, target: string): void {
  try {
    linkSync(temporary, target);
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw existing(target);
    // File systems without hard links: then between the look and the rename is a moment.
    if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) throw existing(target);
    renameSync(temporary, target);
    return;
  }
  rmSync(temporary);
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path}: cannot be written: ${systemReason(error)}`);
  }
}
