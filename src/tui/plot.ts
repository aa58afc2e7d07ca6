/**
 * Series over time (or over a number), with axes: a scale with its unit at the left, the time below, a legend above. In
 * Unicode as dots of Braille, eight a cell; in ASCII as a mark a column. Series differ in colour, and by a mark
 * where they run without it.
 */
import { withUnit } from "../config/figures.ts";
import { CYCLES_PER_SECOND } from "../config/units.ts";
import type { PlotFrame } from "../session/frame.ts";
import { type Area, type Line, line, piece } from "./canvas.ts";
import { short } from "./text.ts";
import type { Look, StyleName } from "./themes.ts";

/** What of the points is shown. */
export interface PlotWindow {
  readonly from: number;
  readonly to: number;
}

/** From the first point to the last. */
export function wholeWindow({ x }: PlotFrame): PlotWindow {
  return { from: x.values[0] ?? 0, to: x.values.at(-1) ?? 0 };
}

/** Numbers at the left, and the axis. */
const MARGIN = 8;
/** The legend, the axis, its numbers. */
const FRAME_ROWS = 3;
/** Between two numbers of an axis, at least. */
const BETWEEN = { rows: 2, columns: 12 };
const STYLES: readonly StyleName[] = ["accent", "warn", "good", "key", "bad"];
/** Columns between two marks of a series. */
const MARK_EVERY = 16;
/** Dots of a cell of Braille: columns, rows; their bits from the top left on (Unicode, block 2800). */
const DOTS = { columns: 2, rows: 4 };
const BITS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;
const BRAILLE = 0x2800;

/** Rows that a plot takes at least to say anything. */
export const PLOT_ROWS_MIN = FRAME_ROWS + 3;

export function plotLines(
  plot: PlotFrame,
  window: PlotWindow,
  { width, height }: Area,
  look: Look,
): Line[] {
  const columns = Math.max(1, width - MARGIN);
  const rows = Math.max(1, height - FRAME_ROWS);
  const most = plot.series.reduce(
    (top, { values }) =>
      values.reduce<number>((all, value, i) => {
        const at = plot.x.values[i] ?? window.from;
        return value === null || at < window.from || at > window.to ? all : Math.max(all, value);
      }, top),
    0,
  );
  const step = niceStep(most, Math.max(1, Math.floor(rows / BETWEEN.rows)));
  const top = Math.max(step, Math.ceil(most / step - 1e-9) * step);
  const canvas = new PlotCanvas(columns, rows, look);
  plot.series.forEach(({ values }, series) => {
    const points = plot.x.values.map((at, i): Point => {
      const value = values[i] ?? null;
      const x = window.to === window.from ? 0.5 : (at - window.from) / (window.to - window.from);
      return { x, y: value === null ? null : value / top };
    });
    canvas.draw(points, series);
  });
  const body = canvas.lines();
  const labels = scaleLabels(top, step, rows);
  const { vertical, horizontal, corners } = look.glyphs;
  return [
    legend(plot, look),
    ...body.map(
      (drawn, row): Line => [
        piece(`${(labels.get(row) ?? "").padStart(MARGIN - 1)}${vertical}`, "dim"),
        ...drawn,
      ],
    ),
    line(`${" ".repeat(MARGIN - 1)}${corners[2]}${horizontal.repeat(columns)}`, "dim"),
    axisLabels(plot.x, window, columns),
  ];
}

function legend(plot: PlotFrame, look: Look): Line {
  const { title, series } = plot;
  const marks = markOf(look);
  const heading = withUnit(plot);
  const [only] = series;
  if (series.length === 1 && only?.name === title) return line(heading, "title");
  return [
    piece(`${heading}: `, "title"),
    ...series.map(({ name }, i) => piece(`${marks(i)} ${name}  `, styleOf(i))),
  ];
}

function styleOf(series: number): StyleName {
  return STYLES[series % STYLES.length] ?? "text";
}

function markOf({ glyphs: { marks } }: Look): (series: number) => string {
  return (series) => marks[series % marks.length] ?? "";
}

/** By row: the numbers of the scale, the top one in the first row, zero in the last. */
function scaleLabels(top: number, step: number, rows: number): Map<number, string> {
  const labels = new Map<number, string>();
  for (let value = 0; value <= top * (1 + 1e-9); value += step) {
    const row = Math.round((1 - value / top) * (rows - 1));
    if (!labels.has(row)) labels.set(row, short(Number(value.toPrecision(6))));
  }
  return labels;
}

function axisLabels({ unit }: PlotFrame["x"], { from, to }: PlotWindow, columns: number): Line {
  const scale = unit === "cycles" ? timeScale(to - from) : { cycles: 1, name: "" };
  const [first, last] = [from / scale.cycles, to / scale.cycles];
  const step = niceStep(last - first, Math.max(1, Math.floor(columns / BETWEEN.columns)));
  let text = " ".repeat(MARGIN);
  for (let n = Math.ceil(first / step - 1e-9); n * step <= last * (1 + 1e-9); n++) {
    const share = last === first ? 0 : (n * step - first) / (last - first);
    const label = `${Number((n * step).toPrecision(12))}${scale.name}`;
    const column = MARGIN + Math.round(share * (columns - 1));
    const start = Math.min(column, MARGIN + columns - label.length);
    // A number that would touch the one before is left out.
    if (start <= text.trimEnd().length && text.trimEnd() !== "") continue;
    text = text.padEnd(start).slice(0, start) + label;
  }
  return line(text, "dim");
}

/** The unit in which a span of time has a number of few digits. */
function timeScale(cycles: number): { readonly cycles: number; readonly name: string } {
  const seconds = cycles / CYCLES_PER_SECOND;
  if (seconds >= 2) return { cycles: CYCLES_PER_SECOND, name: "s" };
  if (seconds >= 2e-3) return { cycles: CYCLES_PER_SECOND / 1e3, name: "ms" };
  return { cycles: CYCLES_PER_SECOND / 1e6, name: "us" };
}

/** Of 1, 2, 5 and their multiples by ten: the least of which so many at most cover a span. */
export function niceStep(span: number, most: number): number {
  if (!(span > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(span / most));
  return power * ([1, 2, 5].find((one) => one * power * most >= span * (1 - 1e-9)) ?? 10);
}

/** Dots from the left and from above. */
interface Dot {
  readonly x: number;
  readonly y: number;
}

/** Parts of the width and of the height, from below; null: nothing is known there. */
interface Point {
  readonly x: number;
  readonly y: number | null;
}

interface Cell {
  bits: number;
  series: number;
  mark: string;
}

/** Cells that lines of several series run through. */
class PlotCanvas {
  readonly #columns: number;
  readonly #rows: number;
  readonly #look: Look;
  readonly #cells: Cell[];

  constructor(columns: number, rows: number, look: Look) {
    this.#columns = columns;
    this.#rows = rows;
    this.#look = look;
    const empty = (): Cell => ({ bits: 0, series: 0, mark: "" });
    this.#cells = Array.from({ length: columns * rows }, empty);
  }

  /** A line through points; where one is not known it breaks off. */
  draw(points: readonly Point[], series: number): void {
    const [width, height] = [this.#columns * DOTS.columns - 1, this.#rows * DOTS.rows - 1];
    let before: Dot | null = null;
    // A point alone is hardly seen as a dot.
    const alone = points.filter(({ y }) => y !== null).length === 1;
    for (const { x, y } of points) {
      const here: Dot | null = y === null ? null : { x: x * width, y: (1 - y) * height };
      if (here !== null) this.#join(before ?? here, here, series, alone);
      before = here;
    }
  }

  /** All dots between two places, one a column, or one a row where it is steep. */
  #join(a: Dot, b: Dot, series: number, marked: boolean): void {
    const steps = Math.max(1, Math.ceil(Math.max(Math.abs(b.x - a.x), Math.abs(b.y - a.y))));
    for (let i = 0; i <= steps; i++) {
      const part = i / steps;
      this.#dot(
        Math.round(a.x + part * (b.x - a.x)),
        Math.round(a.y + part * (b.y - a.y)),
        series,
        marked,
      );
    }
  }

  #dot(x: number, y: number, series: number, marked: boolean): void {
    const column = Math.floor(x / DOTS.columns);
    const row = Math.floor(y / DOTS.rows);
    if (column < 0 || column >= this.#columns || row < 0 || row >= this.#rows) return;
    const cell = this.#cells[row * this.#columns + column];
    if (cell === undefined) return;
    cell.bits |= BITS[x % DOTS.columns === 0 ? 0 : 1][y % DOTS.rows] ?? 0;
    cell.series = series;
    // Each series has its marks at columns of its own.
    if (marked || (column + (MARK_EVERY / 4) * series) % MARK_EVERY === MARK_EVERY / 2) {
      cell.mark = markOf(this.#look)(series);
    }
  }

  lines(): Line[] {
    return Array.from({ length: this.#rows }, (_, row) =>
      this.#cells
        .slice(row * this.#columns, (row + 1) * this.#columns)
        .map((cell) => piece(this.#text(cell), styleOf(cell.series))),
    );
  }

  #text({ bits, series, mark }: Cell): string {
    if (bits === 0) return " ";
    if (this.#look.glyphs.ascii) return markOf(this.#look)(series);
    return mark === "" ? String.fromCharCode(BRAILLE + bits) : mark;
  }
}
