/** Draws plots as SVG texts, without a browser. */
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { PLOT_HEIGHT, PLOT_WIDTH, type Plot } from "./plot.ts";

/** The plot as a Vega specification with its data: all that a program needs to draw it. */
export function vegaSpec({ title, data, spec }: Plot): vega.Spec {
  // Of several plots in one each has its own size.
  const size = "mark" in spec ? { width: PLOT_WIDTH, height: PLOT_HEIGHT } : {};
  const whole = {
    ...size,
    title,
    data: { values: data },
    config: {
      font: "sans-serif",
      background: "white",
      axis: { labelLimit: 0, titleFontWeight: "normal" },
      legend: { labelLimit: 0, titleFontWeight: "normal", symbolStrokeWidth: 1.5, symbolSize: 70 },
      title: { anchor: "start" },
    },
    ...spec,
  } as TopLevelSpec;
  return compile(whole).spec;
}

/** The plot as an SVG element: the same text for the same data. */
export async function drawPlot(plot: Plot): Promise<string> {
  const view = new vega.View(vega.parse(vegaSpec(plot)), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
