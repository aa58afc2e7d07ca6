/** The messages, the latest at the bottom: when, who to whom, what; coloured by kind. */
import type { StreamEntry } from "../../session/frame.ts";
import { type Area, cell, highlight, type Line, line, piece } from "../canvas.ts";
import { clock } from "../text.ts";
import type { Look } from "../themes.ts";

const TIME = 11;
const TYPE = { narrow: 16, wide: 19 } as const;
/** In a narrow panel the sender is left to the detail view. */
const NARROW = 48;

export interface StreamShown {
  readonly entries: readonly StreamEntry[];
  /** Position of the entry under the cursor; null = none. */
  readonly cursor: number | null;
  /** What the matches of are marked; null = nothing. */
  readonly pattern: RegExp | null;
}

export function streamView(
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

/** One message in a row; the step of the workflow is a digit behind the time. */
export function entryLine(entry: StreamEntry, width: number, { glyphs }: Look): Line {
  const { time, step, from, to, type, kind, text } = entry;
  const style = `kind.${kind}` as const;
  const rest = width - TIME - 3;
  const wide = rest >= 60;
  const route = `${width < NARROW ? "" : from}${glyphs.arrow}${to}`;
  const typeWidth = wide ? TYPE.wide : TYPE.narrow;
  const routeWidth = wide ? 28 : Math.max(6, rest - typeWidth);
  return [
    piece(clock(time).padStart(TIME), "dim"),
    piece(step === 0 ? "   " : ` ${step} `, "key"),
    cell(type, typeWidth, style, glyphs.ellipsis),
    cell(route, routeWidth, "text", glyphs.ellipsis),
    piece(wide ? text : "", "dim"),
  ];
}
