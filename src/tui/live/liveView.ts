/** Long work as a screen: how far it is, its plot, and its list with a cursor. A function of the frame and the size. */
import {
  type Area,
  cell,
  fill,
  fitted,
  type Line,
  line,
  piece,
  restText,
  spread,
  widthOf,
} from "../canvas.ts";
import { framed } from "../framed.ts";
import { innerOf } from "../layout.ts";
import { PLOT_ROWS_MIN, plotLines, wholeWindow } from "../plot.ts";
import { gauge } from "../text.ts";
import type { Look } from "../themes.ts";
import type { LiveFrame, LivePart, LiveRow } from "./liveFrame.ts";
import type { LiveContext } from "./liveMachine.ts";

/** Of a frame: its upper and lower edge. */
const EDGES = 2;
/** The first line of the screen and its last; the terminal's last row is not written. */
const OTHER_ROWS = 3;
const LIST_ROWS_MIN = 4;
/** Of the body, what a long list takes at most where there is a plot. */
const LIST_SHARE = 0.45;
/** From here on two facts stand in a line. */
const WIDE = 56;
const BAR = { least: 4, most: 30 };
const SIGN = 11;

/** What is drawn. */
export interface LiveState {
  readonly frame: LiveFrame;
  readonly ui: LiveContext;
  readonly look: Look;
  /** What was last said; "" = nothing. */
  readonly notice: string;
}

/** All rows of the screen. @param size of the terminal */
export function liveLines(state: LiveState, { width, height }: Area): Line[] {
  const body = Math.max(0, height - OTHER_ROWS);
  const list = listHeight(state, { width, height: body });
  return [
    headerLine(state, width),
    ...howFar(state, { width, height: body - list }),
    ...listLines(state, { width, height: list }),
    footerLine(state, width),
  ].slice(0, Math.max(1, height - 1));
}

/** Without room for a plot the list has what the facts leave. */
function listHeight(state: LiveState, { width, height }: Area): number {
  const { list, plot } = state.frame;
  const facts = factLines(state, width - EDGES).length + EDGES;
  const isPlotted = plot !== null && height - facts - PLOT_ROWS_MIN >= LIST_ROWS_MIN;
  if (!isPlotted) return Math.max(Math.min(LIST_ROWS_MIN, height), height - facts);
  const most = Math.max(LIST_ROWS_MIN, Math.floor(height * LIST_SHARE));
  const wanted = Math.max(LIST_ROWS_MIN, list.rows.length + EDGES);
  return Math.min(wanted, most, height - facts - PLOT_ROWS_MIN);
}

function headerLine({ frame, look }: LiveState, width: number): Line {
  const { title, phase, isOver, seconds } = frame;
  const mark = isOver ? look.glyphs.paused : look.glyphs.running;
  const status = piece(`${mark} ${phase}  `, isOver ? "warn" : "good");
  const time = [piece(`${seconds.toFixed(1)} s `, "accent")];
  const left: Line = [piece(" trackvisor ", "title"), piece(` ${title}  `), status];
  const room = Math.max(0, width - widthOf(time) - 1);
  const cut = fitted([piece(title)], Math.max(0, room - widthOf([status])), look.glyphs.ellipsis);
  const fits = widthOf(left) <= room ? left : [status, ...cut];
  return fitted(spread(fits, time, width), width, look.glyphs.ellipsis);
}

function howFar(state: LiveState, area: Area): Line[] {
  if (area.height < EDGES) return fill([], area);
  const { frame, look } = state;
  const { width, height } = innerOf(area);
  const facts = factLines(state, width);
  const room = { width, height: height - facts.length };
  const isPlotted = frame.plot !== null && room.height >= PLOT_ROWS_MIN;
  const plot = isPlotted ? plotLines(frame.plot, wholeWindow(frame.plot), room, look) : [];
  return framed({ title: "how far", lines: [...facts, ...plot] }, area, look);
}

/** Labels with their values, two in a line where there is room; then a bar for each kind of runs. */
function factLines({ frame: { facts, parts }, look }: LiveState, width: number): Line[] {
  const perLine = width >= WIDE ? 2 : 1;
  const room = Math.floor(width / perLine);
  const lines: Line[] = [];
  for (let i = 0; i < facts.length; i += perLine) {
    const own = facts.slice(i, i + perLine).flatMap(([label, value]) => {
      const text = cell(value, room - label.length - 1, "text", look.glyphs.ellipsis);
      return [piece(`${label} `, "dim"), text];
    });
    lines.push(own);
  }
  return [...lines, ...parts.map((part) => partLine(part, width, look))];
}

function partLine({ what, done, total, part, left }: LivePart, width: number, look: Look): Line {
  const bar = Math.max(BAR.least, Math.min(BAR.most, Math.floor(width / 3)));
  const rest = left === null ? "" : `, ${Math.ceil(left)} s left`;
  const text = ` ${done} of ${total} ${what}, ${Math.floor(100 * part)} %${rest}`;
  return [...gauge(part, bar, "good", look.glyphs), piece(text)];
}

function listLines({ frame, ui, look }: LiveState, area: Area): Line[] {
  if (area.height < EDGES) return fill([], area);
  const { title, rows } = frame.list;
  const { height, width } = innerOf(area);
  const last = Math.max(0, rows.length - height);
  const first = Math.max(0, Math.min(last, ui.cursor - Math.floor(height / 2)));
  const shown = rows.slice(first, first + height);
  const lines = shown.map((row, i) => rowLine(row, first + i === ui.cursor, { width, look }));
  const rest = restText(first, rows.length - first - shown.length);
  const body = lines.length === 0 ? [line("nothing yet", "dim")] : lines;
  return framed({ title, lines: body, rest, focused: true }, area, look);
}

function rowLine(
  { sign, style, text, note }: LiveRow,
  isHere: boolean,
  { width, look: { glyphs } }: { readonly width: number; readonly look: Look },
): Line {
  const right: Line = note === "" ? [] : [piece(` ${note}`, "dim")];
  const left: Line = [
    piece(isHere ? `${glyphs.roles.here} ` : "  ", "key"),
    cell(sign, SIGN, style, glyphs.ellipsis),
    piece(text),
  ];
  const room = Math.max(0, width - widthOf(right) - 1);
  const cut = widthOf(left) <= room ? left : fitted(left, room, glyphs.ellipsis);
  return fitted(spread(cut, right, width), width, glyphs.ellipsis);
}

/** Keys, and what they do now; or what was last said. */
function footerLine({ frame: { isOver, opens }, notice, look }: LiveState, width: number): Line {
  if (notice !== "") return fitted([piece(` ${notice}`, "warn")], width, look.glyphs.ellipsis);
  const open: (readonly [string, string])[] = opens === "" ? [] : [["enter", opens]];
  const keys = isOver ? [...open, ["q", "leave"] as const] : [["ctrl+c", "end here"] as const];
  return fitted(
    [...keys, ["up down", "choose"] as const].flatMap(([key, what]) => [
      piece(` ${key}`, "key"),
      piece(` ${what} `, "dim"),
    ]),
    width,
    look.glyphs.ellipsis,
  );
}
