/** How a run went, as a picture: what its operation tells, and its counters, over virtual time. */
import { withUnit } from "../config/figures.ts";
import { CYCLES_PER_SECOND } from "../config/units.ts";
import { UserError } from "../errors.ts";
import { refuseUnwritable, writeOutput } from "../io/outputFile.ts";
import { curvePlot } from "../plots/kinds.ts";
import type { DataRow } from "../plots/plot.ts";
import type { PlotFrame } from "../session/frame.ts";
import { historyOf } from "../session/observed.ts";
import { plotFrames } from "../session/plotsFrame.ts";
import type { System } from "../system/system.ts";

const PANEL = { width: 640, height: 160 };
const MS = CYCLES_PER_SECOND / 1000;

/** Watches a run from here on. The result writes the picture. @throws UserError if the file cannot be written */
export function plotOf(
  file: string,
  system: System,
  { force = false }: { readonly force?: boolean },
): (title: string) => Promise<void> {
  if (!file.endsWith(".svg"))
    throw new UserError(`--plot: expected a name that ends in .svg: ${file}`);
  refuseUnwritable(file, { force });
  const history = historyOf(system);
  return async (title) => {
    const rows = plotFrames({ system, history }).flatMap(rowsOf);
    if (rows.length === 0)
      throw new UserError("--plot: the run ended before there was anything to plot");
    const { drawPlot } = await import("../plots/draw.ts");
    const hasMemory = rows.some(({ axis }) => axis === "MiB");
    const plot = curvePlot(title, rows, {
      x: { field: "x", title: hasMemory ? "time, ms; or memory, MiB" : "time, ms" },
      y: { field: "value", title: null },
      by: { field: "series", title: null },
      panels: { field: "plot", columns: 1, independent: hasMemory ? "both" : "y" },
      ...PANEL,
    });
    writeOutput(file, await drawPlot(plot), { force });
  };
}

/** What goes by a number that is neither time nor memory has no place on the axis. */
function rowsOf(frame: PlotFrame): DataRow[] {
  const { x, series } = frame;
  if (x.unit === "") return [];
  const scale = x.unit === "cycles" ? MS : 1;
  const plot = withUnit(frame);
  return series.flatMap(({ name, values }) =>
    values.flatMap((value, i): DataRow[] =>
      value === null
        ? []
        : [{ plot, series: name, axis: x.unit, x: (x.values[i] ?? 0) / scale, value }],
    ),
  );
}
