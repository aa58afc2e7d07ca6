/** A frame around lines, with a title above and, below, what it does not show. */
import { type Area, fill, fitted, type Line, line, piece, widthOf } from "./canvas.ts";
import { innerOf } from "./layout.ts";
import type { Look } from "./themes.ts";

const FRAME = 2;
/** Text of a frame's title keeps off the corners by this much. */
const TITLE_INSET = 4;

/** What stands in a frame. */
export interface Framed {
  readonly title: string;
  readonly lines: readonly Line[];
  /** What of it is not to be seen, for the lower edge; "" = nothing. */
  readonly rest?: string;
  /** Drawn in another colour, and marked. */
  readonly focused?: boolean;
}

/** A frame around lines. */
export function framed(
  { title, lines, rest = "", focused = false }: Framed,
  area: Area,
  { glyphs }: Look,
): Line[] {
  const { horizontal, vertical, corners, ellipsis } = glyphs;
  const inner = innerOf(area);
  if (area.width < FRAME || area.height < FRAME) return fill(lines, area, ellipsis);
  const style = focused ? "focus" : "border";
  const text = fitted(
    [piece(`${focused ? `${glyphs.running} ` : ""}${title}`, focused ? "focus" : "title")],
    Math.min(title.length + (focused ? 2 : 0), Math.max(0, area.width - TITLE_INSET - 2)),
    ellipsis,
  );
  const rule = Math.max(0, area.width - FRAME - 3 - widthOf(text));
  const top: Line = [
    piece(`${corners[0]}${horizontal} `, style),
    ...text,
    piece(` ${horizontal.repeat(rule)}${corners[1]}`, style),
  ];
  const body = fill(lines, inner, ellipsis).map(
    (one): Line => [piece(vertical, style), ...one, piece(vertical, style)],
  );
  const note = rest === "" ? [] : [piece(` ${rest} `, "warn"), piece(horizontal, style)];
  const edge = inner.width - widthOf(note);
  const bottom: Line =
    edge < 1
      ? line(`${corners[2]}${horizontal.repeat(inner.width)}${corners[3]}`, style)
      : [
          piece(`${corners[2]}${horizontal.repeat(edge)}`, style),
          ...note,
          piece(corners[3], style),
        ];
  return [fitted(top, area.width), ...body, bottom];
}
