/** From results to what is reported: rows with verdicts, drawn plots, findings. */

import { drawPlot } from "../plots/draw.ts";
import type { DataRow } from "../plots/plot.ts";
import type { Experiment, Results, Row } from "./experiment.ts";
import { type Scale, scaleText } from "./scale.ts";
import { compare, isOff } from "./verdict.ts";

export interface DrawnPlot {
  readonly title: string;
  readonly data: readonly DataRow[];
  readonly svg: string;
}

export interface Outcome {
  readonly experiment: Experiment;
  readonly rows: readonly Row[];
  readonly plots: readonly DrawnPlot[];
  readonly findings: readonly string[];
}

/** Evaluates an experiment. */
export async function outcomeOf(
  experiment: Experiment,
  results: Results,
  scale: Scale,
): Promise<Outcome> {
  const { figures, plots, findings } = experiment.evaluate(results, scale);
  const rows = figures.map(({ quantity, unit, published, emulated, scale: own, reason }): Row => {
    const comparison = compare(published, emulated);
    return {
      experiment: experiment.name,
      quantity,
      unit,
      ...comparison,
      scale: own ?? scaleText(scale, experiment.divides),
      reason: isOff(comparison.verdict) ? (reason ?? null) : null,
    };
  });
  const drawn = await Promise.all(
    plots.map(async (plot) => ({ ...plot, svg: await drawPlot(plot) })),
  );
  return { experiment, rows, plots: drawn, findings };
}
