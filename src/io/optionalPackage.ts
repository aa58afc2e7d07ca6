/**
 * Packages that the program can do without. They are looked for where the program itself is, and not where it was
 * called: what lies in a stranger's directory is not run.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

export interface PackagePart {
  readonly path: string;
  /** For import(). */
  readonly url: string;
}

/**
 * Finds a part of a package.
 * @param part such as "sql.js/dist/sql-wasm.wasm"
 * @param from another package, whose own packages are asked as well
 * @returns null if it is not installed
 */
export function findPackagePart(part: string, from?: string): PackagePart | null {
  const own = import.meta.url;
  const starts = [own, from === undefined ? null : resolved(from, own)];
  for (const start of starts) {
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
