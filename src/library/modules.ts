/** Modules with kinds of one's own, for programs. */
import { fileURLToPath } from "node:url";
import { importModule as importFile } from "../runs/userModules.ts";

/**
 * Imports a module that calls registerWorkload, registerTracker, registerUnit or registerEstimator, in TypeScript or JavaScript. Scenarios can name its
 * kinds from then on, also where runs are done on several threads, which import it, too. What it imports as
 * "trackvisor" (Generator and what registers, and no more) and as "zod" is this program's own.
 * @param module a path, from the current directory; or `new URL("./my-module.js", import.meta.url)`
 * @throws UserError if there is no such file, it cannot be loaded, or registers nothing
 */
export async function importModule(module: string | URL): Promise<void> {
  await importFile(module instanceof URL ? fileURLToPath(module) : module);
}
