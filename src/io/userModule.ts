/**
 * Modules that users have written, in TypeScript or JavaScript: models to check, kinds of workloads.
 *
 * jiti loads both alike on every supported Node, of which 20 strips no types: of what was measured it starts
 * soonest (0.3 s with Node's own start; tsx 0.6 s), and it brings 2 MB and no binary. What a module imports of this
 * program is this program's own, so that what it makes is known here, wherever it lies.
 */
import { createRequire } from "node:module";
import { UserError } from "../errors.ts";

/**
 * Loads a module.
 * @param name for messages; @param path absolute
 * @param own by name: what its imports of these names give
 * @throws UserError if it cannot be loaded
 */
export async function loadUserModule(
  name: string,
  path: string,
  own: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  // Most commands need none.
  const { createJiti } = await import("jiti");
  // Loading writes nothing.
  const jiti = createJiti(path, { fsCache: false, interopDefault: false, virtualModules: own });
  try {
    return await jiti.import(path);
  } catch (error) {
    const [reason] = String(error instanceof Error ? error.message : error).split("\n");
    throw new UserError(`${name}: cannot be loaded: ${reason}`, { cause: error });
  }
}

/** Whether a package is installed where a file is. */
export function hasOwn(name: string, path: string): boolean {
  try {
    createRequire(path).resolve(name);
    return true;
  } catch {
    return false;
  }
}
