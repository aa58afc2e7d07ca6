/** A message as a line of text. */
import type { StreamEntry } from "../session/frame.ts";
import { cell, type Line, type Piece, piece } from "./canvas.ts";
import { clock } from "./text.ts";
import type { Look } from "./themes.ts";

const TIME = 11;
const TYPE = { narrow: 16, wide: 19 } as const;
/** In a narrow panel the sender is left to the detail view. */
const NARROW = 48;

/** One message in a row; the step of the workflow is a digit behind the time, and behind that a mark of one cell. */
export function entryLine(
  entry: StreamEntry,
  width: number,
  { glyphs }: Look,
  mark: Piece | null = null,
): Line {
  const { time, step, from, to, type, kind, text } = entry;
  const style = `kind.${kind}` as const;
  const rest = width - TIME - 3;
  const steps = step === 0 ? "  " : ` ${step}`;
  const wide = rest >= 60;
  const route = `${width < NARROW ? "" : from}${glyphs.arrow}${to}`;
  const typeWidth = wide ? TYPE.wide : TYPE.narrow;
  const routeWidth = wide ? 28 : Math.max(6, rest - typeWidth);
  return [
    piece(clock(time).padStart(TIME), "dim"),
    ...(mark === null ? [piece(`${steps} `, "key")] : [piece(steps, "key"), mark]),
    cell(type, typeWidth, style, glyphs.ellipsis),
    cell(route, routeWidth, "text", glyphs.ellipsis),
    piece(wide ? text : "", "dim"),
  ];
}

/** A message in one line of text, for pipes: the columns of the stream and its payload. */
export function logLine({ position, time, step, type, from, to, text }: StreamEntry): string {
  const start = `${String(position).padStart(8)} ${clock(time).padStart(12)} ${step || "-"}`;
  return `${start} ${type.padEnd(18)} ${`${from}>${to}`.padEnd(30)} ${text}`.trimEnd();
}
