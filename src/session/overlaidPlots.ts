/** Plots of two runs, one over the other: what both show is one plot with the series of each. */
import { itemAt } from "../lookup.ts";
import type { PlotFrame } from "./frame.ts";

type Series = PlotFrame["series"][number];

/** @param names of the runs: they tell the series apart */
export function overlaidPlots(
  own: readonly PlotFrame[],
  other: readonly PlotFrame[],
  names: readonly [string, string],
): PlotFrame[] {
  const shared = own.map((plot) => {
    const same = other.find((one) => isAlike(one, plot));
    return same === undefined ? named(plot, names[0]) : overlaid(plot, same, names);
  });
  const others = other.filter((plot) => !own.some((one) => isAlike(one, plot)));
  return [...shared, ...others.map((plot) => named(plot, names[1]))];
}

function isAlike(a: PlotFrame, b: PlotFrame): boolean {
  return a.title === b.title && a.unit === b.unit && a.x.unit === b.x.unit;
}

function named(plot: PlotFrame, run: string): PlotFrame {
  return { ...plot, series: plot.series.map((one) => seriesOf(one, one.values, plot, run)) };
}

function overlaid(
  a: PlotFrame,
  b: PlotFrame,
  [first, second]: readonly [string, string],
): PlotFrame {
  const points = [...new Set([...a.x.values, ...b.x.values])].sort((x, y) => x - y);
  const over = (plot: PlotFrame, run: string): Series[] =>
    plot.series.map((one) =>
      seriesOf(one, resampled(plot.x.values, one.values, points), plot, run),
    );
  return { ...a, x: { ...a.x, values: points }, series: [...over(a, first), ...over(b, second)] };
}

/** One that says no more than the plot's title needs no name of its own. */
function seriesOf(
  { name }: Series,
  values: Series["values"],
  { series }: PlotFrame,
  run: string,
): Series {
  return { name: series.length === 1 ? run : `${name} ${run}`, values };
}

/**
 * A series at more points than its own. Between two of those it is the line through them; before the first, and behind the
 * last, there is none.
 * @param points ascending, its own among them
 */
function resampled(
  own: readonly number[],
  values: Series["values"],
  points: readonly number[],
): (number | null)[] {
  let next = 0;
  return points.map((point) => {
    while (next < own.length && itemAt(own, next) < point) next++;
    const value = values[next] ?? null;
    if (own[next] === point) return value;
    const last = values[next - 1] ?? null;
    if (next === 0 || next === own.length || value === null || last === null) return null;
    const from = itemAt(own, next - 1);
    return last + ((value - last) * (point - from)) / (itemAt(own, next) - from);
  });
}
