/** A message as a line of text. */
import type { StreamEntry } from "../session/frame.ts";
import { cell, type Line, piece } from "./canvas.ts";
import { clock } from "./text.ts";
import type { Look } from "./themes.ts";

const TIME = 11;
const TYPE = { narrow: 16, wide: 19 } as const;
/** In a narrow panel the sender is left to the detail view. */
const NARROW = 48;

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
