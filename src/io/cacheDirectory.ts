/** Where is kept what can be made again: the user's cache (XDG Base Directory Specification). */
import { homedir } from "node:os";
import { join } from "node:path";

export function cacheDirectory(...parts: readonly string[]): string {
  const { XDG_CACHE_HOME } = process.env;
  const cache = XDG_CACHE_HOME?.startsWith("/") ? XDG_CACHE_HOME : join(homedir(), ".cache");
  return join(cache, "trackvisor", ...parts);
}
