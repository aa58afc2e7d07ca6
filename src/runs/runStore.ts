/** Finished runs, one file each: none is done twice, and what was interrupted goes on where it stopped. */
import { join } from "node:path";
import * as z from "zod";
import { exists, readText } from "../io/inputFile.ts";
import { makeDirectory, writeOutput } from "../io/outputFile.ts";
import { digestOf, RunIdentity } from "./runIdentity.ts";
import type { FinishedRun, RunOrder } from "./runOrder.ts";

/** Far more than a run's summary takes. */
const FILE_BYTES_MAX = 256 << 20;

const storedSchema = z.object({ digest: z.string(), run: z.string() });

export class RunStore {
  readonly #directory: string | null;
  readonly #version: string;
  readonly #onDamaged: (path: string) => void;
  readonly #identity = new RunIdentity();

  /**
   * @param directory where the files are, made if it is missing; null: nothing is kept
   * @param version of the code: files of another one are not used
   * @param onDamaged hears of files that are not as they were written; those runs are done again
   * @throws UserError if the directory cannot be made
   */
  constructor(
    directory: string | null,
    version: string,
    onDamaged: (path: string) => void = () => {},
  ) {
    this.#directory = directory;
    this.#version = version;
    this.#onDamaged = onDamaged;
    if (directory !== null) makeDirectory(directory);
  }

  /**
   * Identifies a run and the code that does it.
   * @throws UserError if a trace cannot be read
   */
  key(order: RunOrder): string {
    return digestOf(`${this.#version}\n${this.#identity.of(order)}`);
  }

  /** Whether a run was done before: whether its file is whole, read() says. */
  has(order: RunOrder): boolean {
    const path = this.#path(this.key(order));
    return path !== null && exists(path);
  }

  /** A finished run; null if there is none, or if its file is damaged. */
  read(key: string): FinishedRun | null {
    const path = this.#path(key);
    if (path === null || !exists(path)) return null;
    try {
      const stored = storedSchema.parse(JSON.parse(readText(path, FILE_BYTES_MAX)));
      if (stored.digest === digestOf(stored.run)) return JSON.parse(stored.run);
    } catch {
      // Not JSON, or not a stored run, or not readable: all the same.
    }
    this.#onDamaged(path);
    return null;
  }

  /**
   * @param run a FinishedRun as JSON
   * @throws UserError if the file cannot be written
   */
  write(key: string, run: string): void {
    const path = this.#path(key);
    const text = JSON.stringify({ digest: digestOf(run), run });
    // One that is damaged is replaced: read() does not use it.
    if (path !== null) writeOutput(path, text, { force: true });
  }

  #path(key: string): string | null {
    return this.#directory === null ? null : join(this.#directory, `${key}.json`);
  }
}
