/** How many messages pass a filter, for titles. */
import type { MatchCount } from "../session/frame.ts";

/** "12 of the last 1,024 "; nothing if nobody has counted. */
export function countText(matches: MatchCount | null): string {
  if (matches === null) return "";
  const { found, of, all } = matches;
  return `${found.toLocaleString("en")} of ${all ? "" : "the last "}${of.toLocaleString("en")} `;
}
