/** Which panel goes where, for every size. */
import type { Frame } from "../session/frame.ts";
import { type Arrangement, divided, type Form } from "./arrangement.ts";
import type { Area } from "./canvas.ts";
import { PANELS, panelNamed } from "./panels/all.ts";
import type { Panel } from "./panels/panel.ts";
import type { PlaceName } from "./places.ts";
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
  /** How many columns panels stand in; null = one panel has the whole screen. */
  readonly form: Form | null;
}

const HEADER = 1;
const FOOTER = 1;
const FRAME = 2;
const NARROW = 64;
const WIDE = 160;
const LOW = 14;
/** Of a panel, its frame included, whatever somebody wants: then its neighbours give no more. */
export const LEAST = { width: 20, height: 3 } as const;
/** Rows that the palette takes from the panels at most, its frame included. */
const PALETTE_ROWS = 9;

/** Of a screen, between its first line and its last. */
export function bodyRows(rows: number): number {
  return Math.max(0, Math.max(1, rows - 1) - HEADER - FOOTER);
}

/** Rows of the palette: as many as there are between the first line and the last. */
export function paletteRows(rows: number): number {
  return Math.min(PALETTE_ROWS, bodyRows(rows));
}

/** What is left in a frame. */
export function innerOf({ width, height }: Area): Area {
  return { width: Math.max(0, width - FRAME), height: Math.max(0, height - FRAME) };
}

/**
 * Of several panels of a place the one in front; of a small screen the one with the focus. The panels fill what is between
 * the first line of the screen and its last, each cell once.
 */
export function layoutFor({ mode, ui, columns, rows }: Sized, frame: Frame): Layout {
  const height = mode === "palette" ? rows - paletteRows(rows) : rows;
  const screen = { width: Math.max(1, columns), height: Math.max(1, height - 1) };
  const body = { width: screen.width, height: bodyRows(height) };
  if (ui.zoomed || columns < NARROW || height < LOW) {
    const panel = panelNamed(ui.panels[Math.max(0, ui.focus)] ?? "");
    const placed = { panel, area: body, at: { column: 0, row: HEADER } };
    return { screen, columns: [[placed]], form: null };
  }
  const form = columns >= WIDE ? "three" : "two";
  const arrangement = ui.arrangements[form];
  let column = 0;
  const placed = widthsOf(arrangement, form, body.width).map((width, i) => {
    const places = arrangement.columns[i] ?? [];
    const panels = places.map((place) => inFront(place, ui.fronts));
    const { height } = body;
    const heights =
      heightsByHand(arrangement, places, height) ?? wished(panels, height, frame, rows);
    const stack = stacked(panels, heights, { width, column });
    column += width;
    return stack;
  });
  return { screen, columns: placed, form };
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

function widthsOf({ widths }: Arrangement, form: Form, width: number): number[] {
  if (widths !== null) return divided(width, widths, LEAST.width);
  return form === "three" ? thirds(width) : halves(width);
}

function halves(width: number): number[] {
  const left = Math.ceil(width * 0.575);
  return [left, width - left];
}

function thirds(width: number): number[] {
  const side = Math.floor(width * 0.31);
  return [side, width - 2 * side, side];
}

/** As somebody has them; null: not all of these places have been given a height. */
function heightsByHand(
  { heights }: Arrangement,
  places: readonly PlaceName[],
  height: number,
): number[] | null {
  const weights = places.flatMap((place) => heights[place] ?? []);
  return weights.length < places.length ? null : divided(height, weights, LEAST.height);
}

/** What is small is shown whole; the first greedy one, or the last, gets the rest. Each has room for two rows at least. */
function wished(
  panels: readonly Panel[],
  height: number,
  frame: Frame,
  screenRows: number,
): number[] {
  const least = FRAME + 2;
  const heights = panels.map((panel) => Math.max(least, panel.wish(frame, screenRows) + FRAME));
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
  return heights;
}

/** One above the other, from below the first line on. */
function stacked(
  panels: readonly Panel[],
  heights: readonly number[],
  { width, column }: { readonly width: number; readonly column: number },
): Placed[] {
  let row = HEADER;
  return panels.map((panel, i) => {
    const area = { width, height: heights[i] ?? 0 };
    const placed = { panel, area, at: { column, row } };
    row += area.height;
    return placed;
  });
}
