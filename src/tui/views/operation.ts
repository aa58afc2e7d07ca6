/** What the toolstack does: a headline, facts, a chart, a table; as much as there is room for. */
import type { ChartFrame, OperationFrame } from "../../session/frame.ts";
import { type Area, cell, type Line, line, piece } from "../canvas.ts";
import { columnsOf, short, squeezed } from "../text.ts";
import type { Look } from "../themes.ts";

const CHART_ROWS = 5;
const CHART_LARGE = 10;
const AXIS = 7;

export function operationView(
  operation: OperationFrame,
  { width, height }: Area,
  look: Look,
): Line[] {
  const { kind, state, headline, facts, chart, columns, rows } = operation;
  const head: Line[] = [[piece(`${kind} `, "accent"), piece(`${state} `, "key"), piece(headline)]];
  const factLines = pairs(facts, width, look.glyphs.ellipsis);
  const room = height - head.length;
  const chartRows = room >= 26 ? CHART_LARGE : room >= 11 ? CHART_ROWS : 0;
  const chartLines =
    isEmpty(chart) || chartRows === 0 ? [] : chartView(chart, width, chartRows, look);
  const shownFacts = factLines.slice(0, Math.max(1, room - (rows.length > 0 ? 3 : 0)));
  const left = room - chartLines.length - shownFacts.length;
  return [...head, ...shownFacts, ...chartLines, ...table(columns, rows, width, left)];
}

/** Lines that all of it takes. */
export function operationLength({ facts, chart, rows }: OperationFrame, width: number): number {
  const factLines = Math.ceil(facts.length / pairsPerLine(width));
  return (
    1 + factLines + (isEmpty(chart) ? 0 : CHART_LARGE) + (rows.length === 0 ? 0 : 1 + rows.length)
  );
}

function isEmpty(chart: ChartFrame | null): chart is null {
  return chart === null || chart.series.every((values) => values.length === 0);
}

function pairsPerLine(width: number): number {
  return width >= 56 ? 2 : 1;
}

function pairs(facts: OperationFrame["facts"], width: number, ellipsis: string): Line[] {
  const perLine = pairsPerLine(width);
  const room = Math.floor(width / perLine);
  const lines: Line[] = [];
  for (let i = 0; i < facts.length; i += perLine) {
    lines.push(
      facts
        .slice(i, i + perLine)
        .flatMap(([label, value]) => [
          piece(`${label} `, "dim"),
          cell(value, room - label.length - 1, "text", ellipsis),
        ]),
    );
  }
  return lines;
}

/** The last rows, under their titles. */
function table(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
  height: number,
): Line[] {
  if (height < 2 || rows.length === 0) return [];
  const shown = rows.slice(-(height - 1));
  const widths = columns.map((title, i) =>
    shown.reduce((most, row) => Math.max(most, row[i]?.length ?? 0), title.length),
  );
  const gap = Math.max(
    1,
    Math.min(4, Math.floor((width - widths.reduce((a, b) => a + b, 0)) / columns.length)),
  );
  const format = (cells: readonly string[]): string =>
    cells.map((text, i) => text.padStart(widths[i]! + (i === 0 ? 0 : gap))).join("");
  return [line(format(columns), "dim"), ...shown.map((row) => line(format(row)))];
}

/** Columns for the first series, points for the second, on one scale. */
export function chartView(
  { title, names, series }: ChartFrame,
  width: number,
  height: number,
  { glyphs }: Look,
): Line[] {
  const plot = Math.max(1, width - AXIS);
  const [first, second] = series.map((values) => squeezed(values, plot)) as [number[], number[]];
  const top = Math.max(1e-9, ...first, ...second);
  const heading: Line = [
    piece(`${title}: `, "dim"),
    piece(`${glyphs.bars.guest} ${names[0]}`, "accent"),
    piece(names[1] === "" ? "" : ` ${glyphs.point} ${names[1]}`, "warn"),
  ];
  const rows = height - 1;
  // Few values are drawn as broad columns.
  const broad = Math.max(1, Math.min(6, Math.floor(plot / Math.max(1, first.length))));
  const stretch = (values: readonly number[]): number[] =>
    values.flatMap((value) => Array<number>(broad).fill(value));
  const columns = columnsOf(stretch(first), plot, rows, top, glyphs);
  const points = stretch(second).map((value) =>
    Math.min(rows - 1, Math.floor((value / top) * rows)),
  );
  const empty = first.length === 0;
  return [
    heading,
    ...columns.map((text, i): Line => {
      const row = rows - 1 - i;
      const label = empty ? "" : i === 0 ? short(top) : row === 0 ? "0" : "";
      const cells = [...text].map((column, at) =>
        points[at] === row ? piece(glyphs.point, "warn") : piece(column, "accent"),
      );
      return [piece(`${label.padStart(AXIS - 1)} `, "dim"), ...cells];
    }),
  ];
}
