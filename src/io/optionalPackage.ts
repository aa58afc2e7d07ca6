/** Packages that the program can do without, wherever they are installed. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export interface PackagePart {
  readonly path: string;
  /** For import(). */
  readonly url: string;
}

/**
 * Finds a part of a package: beside this program, or where the program was called.
 * @param part such as "sql.js/dist/sql-wasm.wasm"
 * @param from another package, whose own packages are asked as well
 * @returns null if it is not installed
 */
export function findPackagePart(part: string, from?: string): PackagePart | null {
  const starts = [import.meta.url, pathToFileURL(join(process.cwd(), "package.json")).href];
  const others = from === undefined ? [] : starts.map((start) => resolved(from, start));
  for (const start of [...starts, ...others]) {
    const path = start === null ? null : resolved(part, start);
    if (path !== null) return { path, url: pathToFileURL(path).href };
  }
  return null;
}

function resolved(part: string, start: string): string | null {
  try {
    return createRequire(start).resolve(part);
  } catch {
    return null;
  }
}
