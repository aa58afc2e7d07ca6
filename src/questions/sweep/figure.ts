/** A sweep's result as a picture: of each metric its means with their intervals, over what is varied. */
import { SHAPES, STROKES } from "../../plots/kinds.ts";
import type { DataRow, Plot } from "../../plots/plot.ts";
import { labelOf, layoutOf, quantityIn, shortNames, UNSET } from "./layout.ts";
import type { SweepHead, SweepResult } from "./result.ts";

const WIDTH = 420;
const HEIGHT = 200;
const PANEL_WIDTH = 240;
const PANELS_BESIDE = 3;
const TICKS = 6;

type Json = Readonly<Record<string, unknown>>;

/** Marks of every metric: a point is drawn over its interval, so that a short one does not hide it. */
const INTERVAL = { type: "rule", strokeWidth: 1.5 };
const CAP = { type: "tick", orient: "horizontal", thickness: 1.5, size: 8 };
const LINE = { type: "line", strokeWidth: 1.5, opacity: 0.6 };
const POINT = { type: "point", filled: true, size: 55 };

export function sweepFigure(result: SweepResult): Plot {
  const { sweep } = result;
  const { along, series, panels } = layoutOf(result);
  const data = rowsOf(result);
  const seriesNames = [...new Set(data.map((row) => row["series"]))];
  const isNumber = along.unit !== null;
  const x = {
    field: "along",
    title: along.unit ? `${along.field} (${along.unit})` : along.field,
    ...(isNumber
      ? {
          type: "quantitative",
          scale: along.isLogarithmic ? { type: "log", base: 2 } : { zero: false, nice: true },
          axis: { tickCount: TICKS, format: "~r" },
        }
      : { type: "nominal", sort: null, axis: { labelAngle: 0 } }),
  };
  const scale = (range: readonly string[]): Json => ({
    domain: seriesNames,
    range: seriesNames.map((_, n) => range[n % range.length]),
  });
  const legend = series.length === 0 ? { legend: null } : {};
  const channel = { field: "series", type: "nominal", title: shortNames(series).join(", ") };
  const encoding = {
    x,
    color: { ...channel, scale: scale(STROKES), ...legend },
    // Values that are names stand beside each other, one group for each.
    ...(isNumber || series.length === 0 ? {} : { xOffset: { field: "series", sort: seriesNames } }),
  };
  const shape = { ...channel, scale: scale(SHAPES), ...legend };
  return {
    title: sweep.scenario,
    data,
    spec: {
      vconcat: sweep.metrics.map((metric) =>
        panelsOf(metric, { encoding, shape, isNumber, tooltip: tooltips(result) }, panels),
      ),
    },
  };
}

interface Look {
  readonly encoding: Json;
  readonly shape: Json;
  /** Whether neighbours are joined by lines. */
  readonly isNumber: boolean;
  readonly tooltip: readonly Json[];
}

function panelsOf(
  { name, unit, what }: SweepHead["metrics"][number],
  look: Look,
  by: string | null,
) {
  const y = {
    field: "mean",
    type: "quantitative",
    title: unit === "" ? name : `${name} (${unit})`,
    scale: { zero: false },
  };
  const { encoding, shape, tooltip } = look;
  const end = (field: string) => ({ mark: CAP, encoding: { y: { ...y, field } } });
  const layer = [
    { mark: INTERVAL, encoding: { y: { ...y, field: "low" }, y2: { field: "high" } } },
    end("low"),
    end("high"),
    ...(look.isNumber ? [{ mark: LINE, encoding: { y } }] : []),
    { mark: POINT, encoding: { y, shape, tooltip } },
  ];
  const transform = [{ filter: { field: "metric", equal: name } }];
  const title = { text: `${name}: ${what}`, fontSize: 11, fontWeight: "normal" };
  if (by === null) return { title, transform, width: WIDTH, height: HEIGHT, encoding, layer };
  return {
    title,
    transform,
    facet: { field: "panel", type: "nominal", title: by, sort: null },
    columns: PANELS_BESIDE,
    spec: { width: PANEL_WIDTH, height: HEIGHT, encoding, layer },
  };
}

/** A row for each point and metric that has a mean. */
function rowsOf(result: SweepResult): DataRow[] {
  const { sweep, points } = result;
  const { along, series, panels } = layoutOf(result);
  return sweep.metrics.flatMap(({ name }) =>
    points.flatMap(({ values, runs, means, intervals }): DataRow[] => {
      const mean = means[name] ?? null;
      if (mean === null) return [];
      const half = intervals[name] ?? 0;
      const value = values[along.field] ?? UNSET;
      return [
        {
          metric: name,
          along: along.unit === null ? String(value) : quantityIn(value, along.unit),
          series: labelOf(values, series),
          panel: panels === null ? "" : labelOf(values, [panels]),
          mean,
          low: mean - half,
          high: mean + half,
          runs: runs.length,
        },
      ];
    }),
  );
}

function tooltips(result: SweepResult): Json[] {
  const { along, series, panels } = layoutOf(result);
  const named = (field: string, title: string, type: string): Json => ({ field, title, type });
  return [
    named("along", along.field, along.unit === null ? "nominal" : "quantitative"),
    ...(series.length === 0 ? [] : [named("series", series.join(", "), "nominal")]),
    ...(panels === null ? [] : [named("panel", panels, "nominal")]),
    named("mean", "mean", "quantitative"),
    named("low", "from", "quantitative"),
    named("high", "to", "quantitative"),
    named("runs", "runs", "quantitative"),
  ];
}
