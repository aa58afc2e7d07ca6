/** Draws plots as SVG texts, without a browser. */
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Plot } from "./experiment.ts";

const WIDTH = 560;
const HEIGHT = 260;

/** The plot as an SVG element: the same text for the same data. */
export async function drawPlot({ title, data, spec }: Plot): Promise<string> {
  const whole = {
    width: WIDTH,
    height: HEIGHT,
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
  const view = new vega.View(vega.parse(compile(whole).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
