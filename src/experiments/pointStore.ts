/** Finished runs, one file each, so that an interrupted experiment goes on where it stopped. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import * as z from "zod";
import { exists, readText } from "../io/inputFile.ts";
import { makeDirectory, writeOutput } from "../io/outputFile.ts";
import type { RunSummary } from "../system/summary.ts";
import type { ScenarioInput } from "./experiment.ts";

/** Far more than a summary takes. */
const FILE_BYTES_MAX = 256 << 20;

const storedSchema = z.object({ digest: z.string(), summary: z.string() });

const digestOf = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 32);

export class PointStore {
  readonly #directory: string;
  readonly #version: string;

  /**
   * @param directory where the files are; made if it is missing
   * @param version of the code: files of another one are not used
   * @throws UserError if the directory cannot be made
   */
  constructor(directory: string, version: string) {
    this.#directory = directory;
    this.#version = version;
    makeDirectory(directory);
  }

  /** Identifies a run: what it is asked to do, whatever it is called, and the code that does it. */
  key({ name: _, ...scenario }: ScenarioInput): string {
    return digestOf(`${this.#version}\n${JSON.stringify(scenario)}`);
  }

  /** The result of a finished run; null if there is none, or if its file is damaged. */
  read(key: string): RunSummary | null {
    const path = this.#path(key);
    if (!exists(path)) return null;
    try {
      const stored = storedSchema.parse(JSON.parse(readText(path, FILE_BYTES_MAX)));
      if (stored.digest !== digestOf(stored.summary)) return null;
      return JSON.parse(stored.summary);
    } catch {
      return null;
    }
  }

  /**
   * @param summary as JSON
   * @throws UserError if the file cannot be written
   */
  write(key: string, summary: string): void {
    const text = JSON.stringify({ digest: digestOf(summary), summary });
    // One that is damaged is replaced: read() does not use it.
    writeOutput(this.#path(key), text, { force: true });
  }

  #path(key: string): string {
    return join(this.#directory, `${key}.json`);
  }
}
