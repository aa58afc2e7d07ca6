/** What panels of messages say of a filter. */
import type { MatchCount } from "../session/frame.ts";
import { parseFilter } from "./filter.ts";
import type { ScreenState } from "./screenState.ts";

/** "12 of the last 1,024 "; nothing if nobody has counted. */
export function countText(matches: MatchCount | null): string {
  if (matches === null) return "";
  const { found, of, all } = matches;
  return `${found.toLocaleString("en")} of ${all ? "" : "the last "}${of.toLocaleString("en")} `;
}

/** For their titles: the filter, and how many messages pass it; "" without one. */
export function filterRemark({ run, frame }: Pick<ScreenState, "run" | "frame">): string {
  return run.filter === "" ? "" : `/${run.filter}  ${countText(frame.matches)}`.trimEnd();
}

/** For their contents, when they have none. */
export function emptyText(filter: string): string {
  return parseFilter(filter) === null ? "no message yet: space runs, n steps" : "no match";
}
