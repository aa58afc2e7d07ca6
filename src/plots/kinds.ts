/**
 * The kinds of plots: lines, bars and dots. Series differ in lightness, and lines and dots in shape
 * and dash as well, so that they can be told apart in grey. What was published is black.
 */
import { itemAt } from "../lookup.ts";
import type { DataRow, DataValue, Measured, Plot, UnitSpec } from "./plot.ts";

export const PUBLISHED = "published";

/** Of areas: from dark to light. */
export const FILLS = ["#1f3f77", "#d07a3a", "#a9d18e", "#e3ecf6", "#777777", "#c9b7d6"];
/** Of lines and dots on white, which also differ in dash or shape. */
export const STROKES = ["#1f3f77", "#b5521b", "#3f7d3a", "#5a86c0", "#9a6a00", "#7b5a99"];
export const SHAPES = [
  "circle",
  "square",
  "triangle-up",
  "cross",
  "triangle-down",
  "triangle-right",
];
const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3], [1, 3], [10, 4]];

const BAR = { type: "bar", stroke: "black", strokeWidth: 0.5 };
/** About so many: one for each decade or two. */
const LOG_TICKS = 6;

/** A column of the data on an axis. */
export interface Axis {
  readonly field: string;
  /** With its unit; null: panels name what they have. */
  readonly title: string | null;
  readonly log?: 2 | 10;
  /** False: the axis need not begin at zero. */
  readonly zero?: boolean;
}

export interface PlotOptions {
  readonly x: Axis;
  readonly y: Axis;
  /** The column that tells series apart. */
  readonly by: Pick<Axis, "field" | "title">;
  /** A column with a panel for each of its values. */
  readonly panels?: {
    readonly field: string;
    readonly columns: number;
    /** Each panel has its own scale. */
    readonly independent?: "x" | "y" | "both";
  };
  readonly width?: number;
  readonly height?: number;
}

/** Numbers against numbers. */
export function linePlot(title: string, data: readonly DataRow[], options: PlotOptions): Plot {
  const { x, y } = options;
  const mark = { type: "line", point: { size: 45 }, strokeWidth: 1.5 };
  const channels = series(data, options, ["color", "shape", "strokeDash"]);
  const encoding = { x: quantitative(x), y: quantitative(y), ...channels };
  return plot(title, data, options, mark, encoding, { channel: "y", field: y.field });
}

/** As lines, with so many points that each is too much. */
export function curvePlot(title: string, data: readonly DataRow[], options: PlotOptions): Plot {
  const { x, y } = options;
  return plot(
    title,
    data,
    options,
    { type: "line", strokeWidth: 1.2 },
    {
      x: quantitative(x),
      y: quantitative(y),
      ...series(data, options, ["color", "strokeDash"]),
    },
  );
}

/** Groups of bars. */
export function barPlot(title: string, data: readonly DataRow[], options: PlotOptions): Plot {
  const { x, y, by } = options;
  const encoding = {
    x: ordinal(x, data),
    xOffset: { field: by.field, sort: domain(data, by.field) },
    y: quantitative(y),
    ...series(data, options, ["fill"]),
  };
  return plot(title, data, options, BAR, encoding, { channel: "y", field: y.field });
}

/** Groups of bars that lie, for long names. */
export function rowPlot(title: string, data: readonly DataRow[], options: PlotOptions): Plot {
  const { x, y, by } = options;
  const encoding = {
    x: quantitative(x),
    y: ordinal(y, data),
    yOffset: { field: by.field, sort: domain(data, by.field) },
    ...series(data, options, ["fill"]),
  };
  return plot(title, data, options, BAR, encoding, { channel: "x", field: x.field });
}

/** Parts of a whole, one after the other; the bars lie. */
export function stackPlot(title: string, data: readonly DataRow[], options: PlotOptions): Plot {
  const { x, y } = options;
  return plot(title, data, options, BAR, {
    x: quantitative(x),
    y: ordinal(y, data),
    ...series(data, options, ["fill"]),
  });
}

/** A dot for each name and series; for logarithmic axes, where a bar has no foot. */
export function dotPlot(title: string, data: readonly DataRow[], options: PlotOptions): Plot {
  const { x, y } = options;
  const mark = { type: "point", filled: true, size: 75 };
  const encoding = {
    x: quantitative(x),
    y: ordinal(y, data),
    yOffset: { field: options.by.field, sort: domain(data, options.by.field) },
    ...series(data, options, ["color", "shape"]),
  };
  return plot(title, data, options, mark, encoding, { channel: "x", field: x.field });
}

/** @param measured of a plot whose marks can have intervals */
function plot(
  title: string,
  data: readonly DataRow[],
  { panels, width, height }: PlotOptions,
  mark: UnitSpec["mark"],
  encoding: UnitSpec["encoding"],
  measured?: Pick<Measured, "channel" | "field">,
): Plot {
  const facet: UnitSpec["encoding"] =
    panels === undefined
      ? {}
      : {
          facet: {
            field: panels.field,
            columns: panels.columns,
            title: null,
            sort: domain(data, panels.field),
          },
        };
  const spec: UnitSpec = {
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    mark,
    encoding: { ...encoding, ...facet },
    ...(panels?.independent === undefined
      ? {}
      : { resolve: { scale: independentScales(panels.independent) } }),
  };
  return {
    title,
    data,
    spec: { ...spec },
    ...(measured === undefined ? {} : { measured: { ...measured, spec } }),
  };
}

function quantitative({ field, title, log, zero }: Axis) {
  const type = "quantitative";
  if (log === undefined) return { field, title, type, scale: { zero: zero ?? true, nice: true } };
  const axis = { tickCount: LOG_TICKS, format: log === 2 ? "~r" : "~g" };
  return { field, title, type, scale: { type: "log", base: log }, axis };
}

function ordinal({ field, title }: Axis, data: readonly DataRow[]) {
  return { field, title, type: "nominal", sort: domain(data, field), axis: { labelAngle: 0 } };
}

/** One legend for all channels: they have the same field and the same domain. */
function series(
  data: readonly DataRow[],
  { by: { field, title } }: PlotOptions,
  channels: readonly ("fill" | "color" | "shape" | "strokeDash")[],
) {
  const names = domain(data, field);
  const first = names[0] === PUBLISHED;
  const after = <T>(published: T, others: readonly T[]): T[] => {
    const own = names.map((_, i) => itemAt(others, i % others.length));
    return first ? [published, ...own.slice(0, -1)] : own;
  };
  const ranges = {
    fill: after("#000000", FILLS),
    color: after("#000000", STROKES),
    shape: after("diamond", SHAPES),
    strokeDash: after([1, 0], DASHES),
  };
  return Object.fromEntries(
    channels.map((channel) => [
      channel,
      { field, title, type: "nominal", scale: { domain: names, range: ranges[channel] } },
    ]),
  );
}

/** The values of a column in the order of their first use; what was published comes first. */
function domain(data: readonly DataRow[], field: string): DataValue[] {
  const values = [...new Set(data.map((row) => row[field] ?? ""))];
  return values.includes(PUBLISHED)
    ? [PUBLISHED, ...values.filter((value) => value !== PUBLISHED)]
    : values;
}

function independentScales(axes: "x" | "y" | "both"): Readonly<Record<string, "independent">> {
  if (axes === "both") return { x: "independent", y: "independent" };
  return { [axes]: "independent" };
}
