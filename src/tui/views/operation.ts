/** What the toolstack does: a headline, facts, a chart, a table; as much as there is room for. */
import type { OperationFrame, PlotFrame } from "../../session/frame.ts";
import { type Area, cell, type Line, line, piece } from "../canvas.ts";
import { plotLines, wholeWindow } from "../plot.ts";
import type { Look } from "../themes.ts";

const CHART_ROWS = 7;
const CHART_LARGE = 12;

export function operationView(
  operation: OperationFrame,
  { width, height }: Area,
  look: Look,
): Line[] {
  const { kind, state, headline, facts, charts, columns, rows } = operation;
  const chart = firstOf(charts);
  const head: Line[] = [[piece(`${kind} `, "accent"), piece(`${state} `, "key"), piece(headline)]];
  const factLines = pairs(facts, width, look.glyphs.ellipsis);
  const room = height - head.length;
  const chartRows = room >= 26 ? CHART_LARGE : room >= 11 ? CHART_ROWS : 0;
  const chartLines =
    chart === null || chartRows === 0
      ? []
      : plotLines(chart, wholeWindow(chart), { width, height: chartRows }, look);
  const shownFacts = factLines.slice(0, Math.max(1, room - (rows.length > 0 ? 3 : 0)));
  const left = room - chartLines.length - shownFacts.length;
  return [...head, ...shownFacts, ...chartLines, ...table(columns, rows, width, left)];
}

/** Lines that all of it takes. */
export function operationLength({ facts, charts, rows }: OperationFrame, width: number): number {
  const factLines = Math.ceil(facts.length / pairsPerLine(width));
  const chartLines = firstOf(charts) === null ? 0 : CHART_LARGE;
  return 1 + factLines + chartLines + (rows.length === 0 ? 0 : 1 + rows.length);
}

/** The first of an operation's plots; null: it has none yet. */
function firstOf(charts: readonly PlotFrame[]): PlotFrame | null {
  const [chart = null] = charts;
  return chart === null || chart.x.values.length === 0 ? null : chart;
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
