/** Identifies the code that a run's numbers depend on. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { listDirectory, readBytes } from "../io/inputFile.ts";

const FILE_BYTES_MAX = 1 << 20;
/** Rooms that decide what a run does. */
const ROOMS = [
  "src/config",
  "src/hardware",
  "src/hypervisor",
  "src/interconnect",
  "src/system",
  "machines",
  "workloads",
];

/** A digest of the program's own files, in whatever form it runs. */
export function codeVersion(): string {
  // This file is in src/runs, of the sources or of the compiled program.
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  const hash = createHash("sha256");
  for (const room of ROOMS) {
    const files = listDirectory(join(root, room), true);
    for (const file of files.filter((name) => name.endsWith(extension))) {
      hash.update(`${room}/${file}\n`).update(readBytes(join(root, room, file), FILE_BYTES_MAX));
    }
  }
  return hash.digest("hex").slice(0, 32);
}
