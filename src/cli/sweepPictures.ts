/** A sweep's result as pictures: loaded only where one is asked for. */
import { drawPlot } from "../plots/draw.ts";
import { plotPage } from "../plots/page.ts";
import { sweepFigure } from "../questions/sweep/figure.ts";
import type { SweepResult } from "../questions/sweep/result.ts";
import { tableTexts } from "./sweepReport.ts";

export async function sweepSvg(result: SweepResult): Promise<string> {
  return `${await drawPlot(sweepFigure(result))}\n`;
}

export async function sweepPage(result: SweepResult): Promise<string> {
  const { scenario, fields, seeds, points } = result.sweep;
  const runs = seeds === null ? "one run each" : `${seeds.length} runs each`;
  return await plotPage({
    title: `Sweep: ${scenario}`,
    lines: [
      `${points} points (${fields.join(", ")}), ${runs}. Bars: 95 % intervals of the means.`,
      `Sweep ${result.sweep.digest}, code ${result.code}.`,
    ],
    plot: sweepFigure(result),
    table: tableTexts(result),
  });
}
