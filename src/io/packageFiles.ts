/** Files that come with the program. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A file or a directory of the package by its path from the root; null if it has none of that name. */
export function packagePath(...parts: readonly string[]): string | null {
  // Compiled code is deeper below the package's root than its source.
  let root = dirname(fileURLToPath(import.meta.url));
  while (root !== dirname(root)) {
    const path = join(root, ...parts);
    if (existsSync(path)) return path;
    root = dirname(root);
  }
  return null;
}
