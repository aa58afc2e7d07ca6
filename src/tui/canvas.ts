/** Lines of styled text, cut and filled to a width. Every character is one cell wide (printable.ts). */
import { printable } from "./printable.ts";
import type { StyleName } from "./themes.ts";

export interface Piece {
  readonly text: string;
  readonly style: StyleName;
}

export type Line = readonly Piece[];

/** Room on the screen, in cells. */
export interface Area {
  readonly width: number;
  readonly height: number;
}

export function piece(text: string, style: StyleName = "text"): Piece {
  return { text: printable(text), style };
}

/** A line of one style. */
export function line(text: string, style: StyleName = "text"): Line {
  return [piece(text, style)];
}

/** A column: exactly `width` cells, the last one blank, so that columns never run together. */
export function cell(
  text: string,
  width: number,
  style: StyleName = "text",
  ellipsis = "…",
): Piece {
  const whole = printable(text);
  if (width <= 0) return { text: "", style };
  const cut = whole.length < width ? whole : `${whole.slice(0, Math.max(0, width - 2))}${ellipsis}`;
  return { text: `${cut.slice(0, width - 1).padEnd(width - 1)} `, style };
}

export function widthOf(pieces: Line): number {
  return pieces.reduce((sum, { text }) => sum + text.length, 0);
}

/** Exactly `width` cells: cut, with an ellipsis, or filled with spaces. */
export function fitted(pieces: Line, width: number, ellipsis = "…"): Line {
  const total = widthOf(pieces);
  if (total <= width) {
    return total === width ? pieces : [...pieces, piece(" ".repeat(width - total))];
  }
  const kept: Piece[] = [];
  let room = width - 1;
  for (const { text, style } of pieces) {
    if (room <= 0) break;
    kept.push({ text: text.slice(0, room), style });
    room -= text.length;
  }
  return width <= 0 ? [] : [...kept, { text: ellipsis, style: "dim" }];
}

/** Exactly as many lines as the area has, each exactly as wide. */
export function fill(lines: readonly Line[], { width, height }: Area, ellipsis?: string): Line[] {
  const shown = lines.slice(0, height).map((one) => fitted(one, width, ellipsis));
  while (shown.length < height) shown.push(fitted([], width));
  return shown;
}

/** What shows lines of which there may be more than there is room for. */
export interface Window {
  readonly height: number;
  /** Lines at the top that stay. */
  readonly head: number;
  /** Of the others, the first that is shown. */
  readonly first: number;
}

/** The last line that a window can begin with; 0 = it shows all. */
export function lastFirst(lines: readonly Line[], { height }: Pick<Window, "height">): number {
  return Math.max(0, lines.length - height);
}

/** What a window shows, and in words what it does not: "3 above, 12 below"; "" = nothing. */
export function windowed(lines: readonly Line[], window: Window): { shown: Line[]; rest: string } {
  const { height, head } = window;
  const first = Math.min(window.first, lastFirst(lines, window));
  const shown = [...lines.slice(0, head), ...lines.slice(head + first)].slice(0, height);
  return { shown, rest: restText(first, lines.length - first - shown.length) };
}

export function restText(above: number, below: number): string {
  return [...(above > 0 ? [`${above} above`] : []), ...(below > 0 ? [`${below} more`] : [])].join(
    ", ",
  );
}

/** Left text, and right text at the end of the line if there is room. */
export function spread(left: Line, right: Line, width: number): Line {
  const gap = width - widthOf(left) - widthOf(right);
  return gap < 1 ? fitted(left, width) : [...left, piece(" ".repeat(gap)), ...right];
}

/** Marks what a pattern matches. */
export function highlight(pieces: Line, pattern: RegExp | null): Line {
  if (pattern === null) return pieces;
  const all = new RegExp(pattern.source, `${pattern.flags.replace("g", "")}g`);
  return pieces.flatMap(({ text, style }) => {
    const marked: Piece[] = [];
    let from = 0;
    for (const match of text.matchAll(all)) {
      if (match[0] === "") continue;
      if (match.index > from) marked.push({ text: text.slice(from, match.index), style });
      marked.push({ text: match[0], style: "match" });
      from = match.index + match[0].length;
    }
    return [...marked, { text: text.slice(from), style }];
  });
}
