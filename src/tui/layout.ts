/** Which panel goes where, for every size. */
import type { Frame } from "../session/frame.ts";
import type { Area } from "./canvas.ts";
import { PANELS, panelNamed } from "./panels/all.ts";
import type { Panel } from "./panels/panel.ts";
import { COLUMNS, type PlaceName } from "./places.ts";
import type { Sized } from "./screenState.ts";

export interface Placed {
  readonly panel: Panel;
  readonly area: Area;
  /** Of its upper left corner: columns and rows of the screen before it. */
  readonly at: { readonly column: number; readonly row: number };
}

export interface Layout {
  /** The whole screen, one line short of the terminal's. */
  readonly screen: Area;
  readonly columns: readonly (readonly Placed[])[];
}

const HEADER = 1;
const FOOTER = 1;
const FRAME = 2;
const NARROW = 64;
const WIDE = 160;
const LOW = 14;
/** Rows that the palette takes from the panels, its frame included. */
export const PALETTE_ROWS = 9;

/** Of a screen, between its first line and its last. */
export function bodyRows(rows: number): number {
  return Math.max(0, Math.max(1, rows - 1) - HEADER - FOOTER);
}

/** What is left in a frame. */
export function innerOf({ width, height }: Area): Area {
  return { width: Math.max(0, width - FRAME), height: Math.max(0, height - FRAME) };
}

/** Of several panels of a place the one in front; of a small screen the one with the focus. */
export function layoutFor({ mode, ui, columns, rows }: Sized, frame: Frame): Layout {
  const height = mode === "palette" ? Math.max(4, rows - PALETTE_ROWS) : rows;
  const screen = { width: Math.max(1, columns), height: Math.max(1, height - 1) };
  const body = { width: screen.width, height: bodyRows(height) };
  if (ui.zoomed || columns < NARROW || height < LOW) {
    const panel = panelNamed(ui.panels[Math.max(0, ui.focus)] ?? "");
    return { screen, columns: [[{ panel, area: body, at: { column: 0, row: HEADER } }]] };
  }
  const wide = columns >= WIDE;
  const widths = wide ? thirds(body.width) : halves(body.width);
  const places: readonly (readonly PlaceName[])[] = wide ? COLUMNS.three : COLUMNS.two;
  let column = 0;
  const placed = places.map((stack, i) => {
    const width = widths[i] ?? 0;
    const panels = stack.map((place) => inFront(place, ui.fronts));
    const stacked = stackOf(panels, { width, height: body.height }, { frame, rows, column });
    column += width;
    return stacked;
  });
  return { screen, columns: placed };
}

/** The area inside the frame of a panel; empty if it is not to be seen. */
export function areaOf({ columns }: Layout, panel: Panel): Area {
  const placed = columns.flat().find((one) => one.panel === panel);
  return innerOf(placed?.area ?? { width: 0, height: 0 });
}

function inFront(place: PlaceName, fronts: readonly string[]): Panel {
  const there = PANELS.filter((panel) => panel.place === place);
  const front = there.find(({ name }) => fronts.includes(name)) ?? there[0];
  if (front === undefined) throw new Error(`no panel stands at ${place}`);
  return front;
}

function halves(width: number): number[] {
  const left = Math.ceil(width * 0.575);
  return [left, width - left];
}

function thirds(width: number): number[] {
  const side = Math.floor(width * 0.31);
  return [side, width - 2 * side, side];
}

interface Surroundings {
  readonly frame: Frame;
  readonly rows: number;
  readonly column: number;
}

/** What is small is shown whole; the first greedy one, or the last, gets the rest. Each has room for two rows at least. */
function stackOf(
  panels: readonly Panel[],
  { width, height }: Area,
  { frame, rows, column }: Surroundings,
): Placed[] {
  const least = FRAME + 2;
  const heights = panels.map((panel) => Math.max(least, panel.wish(frame, rows) + FRAME));
  const excess = (): number => heights.reduce((sum, one) => sum + one, 0) - height;
  const shorten = (by: number, index: number): void => {
    heights[index] = (heights[index] ?? 0) - by;
  };
  const highest = (): number => heights.indexOf(Math.max(...heights));
  // Too high: the highest gives way, row by row.
  while (excess() > 0 && heights.some((one) => one > least)) shorten(1, highest());
  while (excess() > 0) shorten(1, highest());
  const greedy = panels.findIndex((panel) => panel.greedy === true);
  shorten(excess(), greedy < 0 ? panels.length - 1 : greedy);
  let row = HEADER;
  return panels.map((panel, i) => {
    const area = { width, height: heights[i] ?? 0 };
    const placed = { panel, area, at: { column, row } };
    row += area.height;
    return placed;
  });
}
