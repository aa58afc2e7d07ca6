/** A metric over what is varied, as lines of text. */
import plot from "simple-ascii-chart";
import type { Shown } from "./axis.ts";
import { labelOf, layoutOf, quantityIn, shortNames } from "./layout.ts";
import type { SweepResult } from "./result.ts";

const MARKS = ["●", "○", "▲", "△", "■", "□", "◆", "◇", "★", "☆"];
const HEIGHT = 14;
/** Beside the plot: numbers of the vertical axis. */
const MARGIN = 16;
/** Along the horizontal axis, at most. */
const PLACES_NAMED = 12;
const BAR = "█";
const BAR_LENGTH = 40;
const DIGITS = 4;

/**
 * The first metric. Numbers along the horizontal axis stand apart as their places, not as their sizes, so that
 * what is doubled can be seen.
 * @param columns of the terminal
 */
export function terminalPlot(result: SweepResult, columns: number): string[] {
  const [metric] = result.sweep.metrics;
  if (metric === undefined) return [];
  const { along, series, panels } = layoutOf(result);
  const title = `${metric.name}${metric.unit === "" ? "" : ` (${metric.unit})`}`;
  const drawn = result.points.flatMap(({ values, means }) => {
    const mean = means[metric.name] ?? null;
    return mean === null ? [] : [{ values, mean }];
  });
  if (drawn.length < 2) return [];
  const { field, unit } = along;
  if (unit === null) {
    const all = [field, ...series, ...(panels === null ? [] : [panels])];
    return [title, ...bars(drawn.map(({ values, mean }) => [labelOf(values, all), mean]))];
  }
  const places = placesOf(
    drawn.map(({ values }) => values[field] ?? ""),
    unit,
  );
  const rest = panels === null ? series : [...series, panels];
  const names = shortNames(rest);
  const lines = new Map<string, [number, number][]>();
  for (const { values, mean } of drawn) {
    const label = rest.map((one, n) => `${names[n]}=${labelOf(values, [one])}`).join(", ");
    const line = lines.get(label) ?? [];
    line.push([places.indexOf(String(values[field])), mean]);
    lines.set(label, line);
  }
  return [
    `${title} over ${field}`,
    ...chart([...lines.values()], places, columns - MARGIN),
    ...(rest.length === 0 ? [] : [...lines.keys()].map((label, n) => `  ${markOf(n)} ${label}`)),
  ];
}

function markOf(series: number): string {
  return MARKS[series % MARKS.length] ?? "●";
}

/** The values along the axis, each once, from the least. */
function placesOf(values: readonly Shown[], unit: string): string[] {
  const sorted = [...values].sort((a, b) => quantityIn(a, unit) - quantityIn(b, unit));
  return [...new Set(sorted.map(String))];
}

function chart(
  lines: readonly [number, number][][],
  places: readonly string[],
  width: number,
): string[] {
  const every = Math.ceil(places.length / PLACES_NAMED);
  // The library draws one series after the other, each from its first point.
  let series = -1;
  const text = plot([...lines], {
    width: Math.max(20, width),
    height: HEIGHT,
    customXAxisTicks: places.map((_, n) => n).filter((n) => n % every === 0),
    formatter: (value, { axis }) =>
      axis === "x" ? (places[Math.round(value)] ?? "") : Number(value.toPrecision(DIGITS)),
    lineFormatter: ({ plotX, plotY, index }) => {
      if (index === 0) series++;
      return { x: plotX, y: plotY, symbol: markOf(series) };
    },
  });
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
}

function bars(rows: readonly (readonly [string, number])[]): string[] {
  const most = Math.max(...rows.map(([, value]) => value));
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => {
    const length = most > 0 ? Math.max(0, Math.round((BAR_LENGTH * value) / most)) : 0;
    return `  ${label.padEnd(width)}  ${BAR.repeat(length)} ${Number(value.toPrecision(DIGITS))}`;
  });
}
