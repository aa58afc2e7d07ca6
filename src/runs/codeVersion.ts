/** Identifies the code that a run's numbers depend on. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { listDirectory, readBytes, readText } from "../io/inputFile.ts";
import { packagePath } from "../io/packageFiles.ts";

const FILE_BYTES_MAX = 1 << 20;
const packageSchema = z.object({ dependencies: z.record(z.string(), z.string()) });
/** Rooms that decide what a run does; and those that decide what is measured of it. */
const RUNNING = [
  "src/config",
  "src/hardware",
  "src/hypervisor",
  "src/interconnect",
  "src/system",
  "machines",
  "workloads",
];
const MEASURING = [...RUNNING, "src/runs", "src/questions"];
const EXPERIMENTING = [...RUNNING, "src/runs", "src/plots", "src/experiments"];
const CHECKING = [...RUNNING, "src/check"];

/** Of what decides a run's course: runs of another version are others. */
export function codeVersion(): string {
  return digestOfRooms(RUNNING);
}

/** Of what decides a run's course, and the numbers that are told of it. */
export function measuringVersion(): string {
  return digestOfRooms(MEASURING);
}

/** Of what decides a run's course, and what experiments make of it. */
export function experimentingVersion(): string {
  return digestOfRooms(EXPERIMENTING);
}

/** Of what decides which states a model has, and how they are searched. */
export function checkingVersion(): string {
  return digestOfRooms(CHECKING);
}

/** The program's own files, in whatever form it runs, and the versions of what it uses. */
function digestOfRooms(rooms: readonly string[]): string {
  // This file is in src/runs, of the sources or of the compiled program.
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  const hash = createHash("sha256").update(JSON.stringify(dependencies()));
  for (const room of rooms) {
    const files = listDirectory(join(root, room), true);
    for (const file of files.filter((name) => name.endsWith(extension))) {
      hash.update(`${room}/${file}\n`).update(readBytes(join(root, room, file), FILE_BYTES_MAX));
    }
  }
  return hash.digest("hex").slice(0, 32);
}

/** Each with one exact version, as package.json says. */
function dependencies(): Readonly<Record<string, string>> {
  const path = packagePath("package.json");
  if (path === null) throw new Error("package.json is missing");
  return packageSchema.parse(JSON.parse(readText(path, FILE_BYTES_MAX))).dependencies;
}
