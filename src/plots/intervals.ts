/** Error bars: a plot of means, and over each mark the interval of its mean. */
import {
  type DataRow,
  type Measured,
  PLOT_HEIGHT,
  PLOT_WIDTH,
  type Plot,
  type UnitSpec,
} from "./plot.ts";

/** Columns of the data: the ends of an interval. */
export const LOW = "low";
export const HIGH = "high";

const RULE = { type: "rule", color: "black", strokeWidth: 1.2 };

/** @param plot whose rows have the ends of their intervals; @param measured its own */
export function withIntervals(plot: Plot, { channel, field, spec }: Measured): Plot {
  const { facet, ...encoding } = spec.encoding;
  const inner = {
    width: spec.width ?? PLOT_WIDTH,
    height: spec.height ?? PLOT_HEIGHT,
    layer: [
      { mark: spec.mark, encoding },
      { mark: RULE, encoding: ruleOf(encoding, channel) },
    ],
  };
  const whole = {
    ...plot,
    data: isLog(encoding[channel]) ? plot.data.map(aboveZero(field)) : plot.data,
  };
  if (facet === undefined) return { ...whole, spec: inner };
  const { columns, ...panels } = facet;
  const scales = spec.resolve === undefined ? {} : { resolve: spec.resolve };
  return {
    ...whole,
    spec: { facet: { ...panels, type: "nominal" }, columns, spec: inner, ...scales },
  };
}

function ruleOf(encoding: UnitSpec["encoding"], channel: Measured["channel"]) {
  const other = channel === "x" ? "y" : "x";
  const offset = encoding[`${other}Offset`];
  return {
    [other]: encoding[other],
    ...(offset === undefined ? {} : { [`${other}Offset`]: offset }),
    [channel]: { ...encoding[channel], field: LOW },
    [`${channel}2`]: { field: HIGH },
  };
}

const isLog = (axis: UnitSpec["encoding"][string] | undefined): boolean => {
  const scale = axis?.["scale"];
  return typeof scale === "object" && scale !== null && "type" in scale && scale.type === "log";
};

/** An end that has no place on a logarithmic axis is left out: the upper half alone is drawn. */
const aboveZero =
  (field: string) =>
  (row: DataRow): DataRow =>
    Number(row[LOW]) > 0 ? row : { ...row, [LOW]: row[field] ?? 0 };
