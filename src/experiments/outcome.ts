/** From results to what is reported: rows with verdicts, drawn plots, findings. */

import { itemAt } from "../lookup.ts";
import { drawPlot } from "../plots/draw.ts";
import type { DataRow } from "../plots/plot.ts";
import type { Evaluation, Experiment, Figure, Results, Row } from "./experiment.ts";
import { meanPlot } from "./meanPlot.ts";
import { type Scale, scaleText } from "./scale.ts";
import { bySeed, type Chance, chanceIn } from "./seeds.ts";
import { compare, isOff } from "./verdict.ts";

export interface DrawnPlot {
  readonly title: string;
  readonly data: readonly DataRow[];
  readonly svg: string;
}

export interface Outcome {
  readonly experiment: Experiment;
  readonly chance: Chance;
  readonly rows: readonly Row[];
  readonly plots: readonly DrawnPlot[];
  readonly findings: readonly string[];
}

/**
 * Evaluates an experiment with each seed, and puts together what came out.
 * @param results by seed
 */
export async function outcomeOf(
  experiment: Experiment,
  results: readonly Results[],
  scale: Scale,
): Promise<Outcome> {
  const evaluations = results.map((own) => experiment.evaluate(own, scale));
  const { plots, findings } = itemAt(evaluations, 0);
  const rows = rowsOf(experiment, evaluations, scale);
  const drawn = await Promise.all(
    plots.map(async (_, i) => {
      const plot = meanPlot(evaluations.map((one) => itemAt(one.plots, i)));
      return { ...plot, svg: await drawPlot(plot) };
    }),
  );
  const chance = chanceIn(experiment, scale, results.length);
  return { experiment, chance, rows, plots: drawn, findings };
}

/** Figures with their verdicts. @param evaluations by seed */
export function rowsOf(
  experiment: Experiment,
  evaluations: readonly Evaluation[],
  scale: Scale,
): readonly Row[] {
  return figuresOf(evaluations).map(({ figure, values }): Row => {
    const { quantity, unit, published, scale: own, reason } = figure;
    const comparison = compare(published, values);
    return {
      experiment: experiment.name,
      quantity,
      unit,
      ...comparison,
      scale: own ?? scaleText(scale, experiment.divides),
      reason: isOff(comparison.verdict) ? (reason ?? null) : null,
    };
  });
}

/** Each figure of the first seed, with what came out with each. @throws if another seed has other figures: a mistake of the experiment */
function figuresOf(
  evaluations: readonly Evaluation[],
): readonly { readonly figure: Figure; readonly values: readonly number[] }[] {
  return itemAt(evaluations, 0).figures.map((figure, i) => {
    const values = evaluations.map(({ figures }) => {
      const own = itemAt(figures, i);
      if (own.quantity === figure.quantity) return own.emulated;
      throw new Error(`with another seed "${figure.quantity}" is "${own.quantity}"`);
    });
    return { figure, values: bySeed(values) };
  });
}
