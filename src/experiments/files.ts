/** Directories and files of results. Files appear complete or not at all. */
import { mkdirSync } from "node:fs";
import { AtomicFile } from "../../workloads/trace/atomicFile.ts";
import { systemReason } from "../../workloads/trace/systemError.ts";
import { UserError } from "../errors.ts";

/** @throws UserError if it cannot be made */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new UserError(`${path}: cannot be made: ${systemReason(error)}`);
  }
}

/** @throws UserError if it cannot be written */
export function writeText(path: string, text: string): void {
  const file = new AtomicFile(path);
  try {
    file.write(Buffer.from(text));
    file.commit();
  } finally {
    file.abort();
  }
}
