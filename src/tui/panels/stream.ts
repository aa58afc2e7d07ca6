/** The messages, the latest at the bottom: when, who to whom, what; coloured by kind. */
import type { CounterexampleFrame, StreamEntry } from "../../session/frame.ts";
import { remarks } from "../ahead.ts";
import { type Area, highlight, type Line, line, piece } from "../canvas.ts";
import { brokenMark, brokenRemark } from "../counterexample.ts";
import { entryLine, logLine } from "../entryLine.ts";
import { patternOf } from "../filter.ts";
import { emptyText, filterRemark } from "../matchText.ts";
import type { Look } from "../themes.ts";
import type { Panel } from "./panel.ts";

interface StreamShown {
  readonly entries: readonly StreamEntry[];
  /** Position of the entry under the cursor; null = none. */
  readonly cursor: number | null;
  /** As it is typed. */
  readonly filter: string;
  readonly counterexample: CounterexampleFrame | null;
}

function streamView(
  { entries, cursor, filter, counterexample }: StreamShown,
  { width, height }: Area,
  look: Look,
): Line[] {
  if (entries.length === 0) {
    return [line(emptyText(filter), "dim")];
  }
  const pattern = patternOf(filter);
  const shown = entries.slice(-height);
  const lines = shown.map((entry) => {
    const { position } = entry;
    const mark = brokenMark(counterexample, { first: position, last: position }, look.glyphs);
    const pieces = highlight(entryLine(entry, width, look, mark), pattern);
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
  needs: ["stream", "matches", "counterexample"],
  also: ({ run, ui }) => [run.filter, ui.cursor],
  wish: () => ROWS,
  greedy: true,
  head: 0,
  remark: ({ run, ui, frame }) => {
    const filtered = filterRemark({ run, frame });
    if (filtered !== "") return filtered;
    return remarks(ui.cursor >= 0 ? `at ${ui.cursor}` : "", brokenRemark(frame.counterexample));
  },
  lines: ({ frame, ui, run, look }, area) => {
    const cursor = ui.cursor < 0 ? null : (frame.stream.at(-1)?.position ?? null);
    const { stream: entries, counterexample } = frame;
    return streamView({ entries, cursor, filter: run.filter, counterexample }, area, look);
  },
  // On a message: the cursor goes there.
  click: ({ frame: { stream } }, { row }, { height }) => {
    const shown = stream.slice(-height);
    const entry = shown[row - Math.max(0, height - shown.length)];
    return entry === undefined ? null : { type: "point", position: entry.position };
  },
  // The message under the cursor, as `--log` prints it.
  copies: ({ frame }) => {
    const entry = frame.stream.at(-1);
    return entry === undefined ? "" : logLine(entry).trim();
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
