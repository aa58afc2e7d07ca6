/** The messages, the latest at the bottom: when, who to whom, what; coloured by kind. */
import type { StreamEntry } from "../../session/frame.ts";
import { type Area, highlight, type Line, line, piece } from "../canvas.ts";
import { entryLine } from "../entryLine.ts";
import { patternOf } from "../filter.ts";
import { countText } from "../matchText.ts";
import type { Look } from "../themes.ts";
import type { Panel } from "./panel.ts";

interface StreamShown {
  readonly entries: readonly StreamEntry[];
  /** Position of the entry under the cursor; null = none. */
  readonly cursor: number | null;
  /** What the matches of are marked; null = nothing. */
  readonly pattern: RegExp | null;
}

function streamView(
  { entries, cursor, pattern }: StreamShown,
  { width, height }: Area,
  look: Look,
): Line[] {
  if (entries.length === 0) {
    return [line(pattern === null ? "no message yet: space runs, n steps" : "no match", "dim")];
  }
  const shown = entries.slice(-height);
  const lines = shown.map((entry) => {
    const pieces = highlight(entryLine(entry, width, look), pattern);
    return entry.position === cursor ? pieces.map(({ text }) => piece(text, "selected")) : pieces;
  });
  // The newest stands at the bottom from the first message on.
  return [...Array<Line>(Math.max(0, height - lines.length)).fill([]), ...lines];
}

/** Rows that say something of how a message came about. */
const ROWS = 8;

export const streamPanel: Panel = {
  name: "stream",
  place: "messages",
  needs: ["stream", "matches"],
  also: ({ run, ui }) => [run.filter, ui.cursor],
  wish: () => ROWS,
  greedy: true,
  head: 0,
  remark: ({ run, ui, frame }) => {
    if (run.filter !== "") return `/${run.filter}  ${countText(frame.matches)}`.trimEnd();
    return ui.cursor >= 0 ? `at ${ui.cursor}` : "";
  },
  lines: ({ frame, ui, run, look }, area) => {
    const cursor = ui.cursor < 0 ? null : (frame.stream.at(-1)?.position ?? null);
    const pattern = patternOf(run.filter);
    return streamView({ entries: frame.stream, cursor, pattern }, area, look);
  },
  asks: ({ height }, { ui, filter }) => ({
    stream: { rows: Math.max(1, height), end: ui.cursor < 0 ? null : ui.cursor, filter },
  }),
  sentences: ({ frame }) => {
    const last = frame.stream.at(-1);
    if (last === undefined) return [];
    return [`Last message: ${last.type} from ${last.from} to ${last.to}. ${last.text}`];
  },
};
