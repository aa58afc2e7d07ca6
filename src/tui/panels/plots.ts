/** How the run went: one plot with axes, or as many as there is room for; zoomed and moved in time. */
import type { PlotFrame } from "../../session/frame.ts";
import { type Area, type Line, line } from "../canvas.ts";
import { PLOT_ROWS_MIN, type PlotWindow, plotLines, wholeWindow } from "../plot.ts";
import type { ScreenState } from "../screenState.ts";
import { clock, short } from "../text.ts";
import type { UiContext } from "../uiMachine.ts";
import type { Panel } from "./panel.ts";

/** Rows at which another plot is better than a larger one. */
export const PLOT_ROWS = 12;
/** A window moves by a quarter of itself. */
const PARTS = 4;
/** Twice as much, that often. */
export const PLOT_ZOOM_MAX = 12;

/** The part of a range that is shown: halved with each zoom, its end quarters of itself before the range's. */
export function plotWindow(
  { from, to }: PlotWindow,
  { zoom, back }: UiContext["plot"],
): PlotWindow {
  const span = (to - from) / 2 ** zoom;
  const end = Math.max(from + span, to - (back * span) / PARTS);
  return { from: end - span, to: end };
}

/** Plots over time that stand one above the other have one axis. */
function rangeOf(plot: PlotFrame, shown: readonly PlotFrame[]): PlotWindow {
  const along = plot.x.unit === "cycles" ? shown.filter(({ x }) => x.unit === "cycles") : [plot];
  const windows = along.map(wholeWindow);
  return {
    from: Math.min(...windows.map(({ from }) => from)),
    to: Math.max(...windows.map(({ to }) => to)),
  };
}

/** Steps back after which the first point is reached. */
export function plotBackMax(zoom: number): number {
  return PARTS * (2 ** zoom - 1);
}

function shownOf({ frame, ui }: ScreenState): readonly PlotFrame[] {
  const plots = frame.plots ?? [];
  return plots.slice(Math.min(ui.plot.chosen, plots.length - 1));
}

/** As many of the plots as there is room for. */
export function plotsLines(state: ScreenState, { width, height }: Area): Line[] {
  const plots = shownOf(state);
  if (plots.length === 0) return [line("nothing to plot yet: space runs", "dim")];
  if (height < PLOT_ROWS_MIN) return [line("no room for a plot: z", "dim")];
  const count = Math.max(1, Math.min(plots.length, Math.floor(height / PLOT_ROWS)));
  const shown = plots.slice(0, count);
  return shown.flatMap((plot, i) => {
    const rows = Math.floor(((i + 1) * height) / count) - Math.floor((i * height) / count);
    const area = { width, height: rows };
    return plotLines(plot, plotWindow(rangeOf(plot, shown), state.ui.plot), area, state.look);
  });
}

function sentenceOf({ title, unit, x, series }: PlotFrame): string {
  const last = x.values.at(-1) ?? 0;
  const at = x.unit === "cycles" ? clock(last) : `${x.name} ${last}`;
  const courses = series.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    const most = known.reduce((top, value) => Math.max(top, value), 0);
    return `${name} ${short(known.at(-1) ?? 0)}, at most ${short(most)}`;
  });
  return `${title}${unit === "" ? "" : ` in ${unit}`}, at ${at}: ${courses.join("; ")}.`;
}

export const plotsPanel: Panel = {
  name: "plots",
  place: "messages",
  needs: ["plots"],
  also: ({ ui }) => [ui.plot],
  wish: () => PLOT_ROWS,
  greedy: true,
  head: 0,
  remark: (state) => {
    const plots = state.frame.plots ?? [];
    const { chosen, zoom } = state.ui.plot;
    const which =
      plots.length < 2 ? "" : `${Math.min(chosen, plots.length - 1) + 1} of ${plots.length}`;
    return zoom === 0 ? which : `${which} 1/${2 ** zoom} of the time`.trimStart();
  },
  lines: plotsLines,
  move: ({ frame }, by) => ({ type: "choosePlot", by, limit: frame.plots?.length ?? 0 }),
  magnify: (_state, by) => ({ type: "zoomPlot", by, limit: PLOT_ZOOM_MAX }),
  shift: ({ ui }, by) => ({ type: "shiftPlot", by, limit: plotBackMax(ui.plot.zoom) }),
  asks: ({ height }) => ({ plots: height >= PLOT_ROWS_MIN }),
  sentences: ({ frame: { plots } }) => (plots ?? []).map(sentenceOf),
};
