/** Sensitivities as tables, sentences and tornado plots. */
import { itemAt } from "../../lookup.ts";
import type { DataRow, Plot } from "../../plots/plot.ts";
import { tornadoPlot } from "../../plots/tornado.ts";
import { formatNumber } from "../tables.ts";
import type { CostParameter } from "./parameters.ts";
import type { Effect, Sensitivity } from "./sensitivity.ts";

export const EFFECT_HEADER = [
  "cost",
  "now",
  "from",
  "to",
  "figure from",
  "figure to",
  "verdict the same",
  "interval from",
] as const;

/** Two sections have costs of the same names. */
function nameOf({ section, name }: CostParameter): string {
  return section === "energy" ? `${section} ${name}` : name;
}

/** The figure that is shown: the one that a cost moves furthest, as a part of itself. */
function shownFigure({ base, effects }: Sensitivity): number {
  const reach = base.figures.map((figure, i) => {
    const swings = effects.map((effect) => swingOf(effect, i));
    return Math.max(0, ...swings) / (Math.abs(figure) || 1);
  });
  return Math.max(0, reach.indexOf(Math.max(...reach)));
}

function swingOf({ low, high }: Effect, figure: number): number {
  return Math.abs(itemAt(high.figures, figure) - itemAt(low.figures, figure));
}

/** Widest first; of equal ones in the order of the costs. */
function bySwing(sensitivity: Sensitivity, figure: number): readonly Effect[] {
  return [...sensitivity.effects].sort((a, b) => swingOf(b, figure) - swingOf(a, figure));
}

/** A line for each cost that matters: its interval, what comes of the figure at the ends, and from where to where the verdict stays. */
export function effectCells(sensitivity: Sensitivity): readonly (readonly string[])[] {
  const figure = shownFigure(sensitivity);
  return bySwing(sensitivity, figure).map(({ parameter, low, high, same: [from, to] }) => [
    nameOf(parameter),
    formatNumber(parameter.now),
    formatNumber(parameter.low),
    formatNumber(parameter.high),
    formatNumber(itemAt(low.figures, figure)),
    formatNumber(itemAt(high.figures, figure)),
    from === parameter.low && to === parameter.high
      ? "in all of it"
      : `${formatNumber(from)} to ${formatNumber(to)}`,
    parameter.why,
  ]);
}

/** What decides the claim, in sentences. */
export function sensitivityLines(sensitivity: Sensitivity): readonly string[] {
  const { base, effects, set, without } = sensitivity;
  const deciding = effects.flatMap((effect) => decidingText(effect, base.verdict));
  return [
    deciding.length === 0
      ? `"${base.verdict}" whatever a single cost is within its interval`
      : `"${base.verdict}" with the costs as they are; ${deciding.join("; ")}`,
    `costs that change a figure of it: ${effects.length}; none: ${without.length}`,
    ...(set.length === 0
      ? []
      : [`the experiment sets some itself, where they stay: ${set.map(nameOf).join(", ")}`]),
  ];
}

function decidingText(
  { parameter, low, high, same: [from, to] }: Effect,
  verdict: string,
): string[] {
  const { now } = parameter;
  const name = nameOf(parameter);
  return [
    ...(low.verdict === verdict
      ? []
      : [`"${low.verdict}" with ${name} ${low.value}, still the same at ${from} (now ${now})`]),
    ...(high.verdict === verdict
      ? []
      : [`"${high.verdict}" with ${name} ${high.value}, still the same at ${to} (now ${now})`]),
  ];
}

/** A bar for each cost that matters, the widest on top: from what comes of its least value to what comes of its largest. */
export function sensitivityPlot(sensitivity: Sensitivity): Plot {
  const { claim, base, rows } = sensitivity;
  const figure = shownFigure(sensitivity);
  const { quantity, unit, published } = itemAt(rows, figure);
  const data = bySwing(sensitivity, figure).flatMap(({ parameter, low, high }): DataRow[] => {
    const cost = `${nameOf(parameter)} ${formatNumber(parameter.low)} to ${formatNumber(parameter.high)}`;
    return [low, high].map((look, i) => ({
      cost,
      end: i === 0 ? "least" : "largest",
      figure: itemAt(look.figures, figure),
      verdict: look.verdict,
    }));
  });
  return tornadoPlot(claim.text, data, {
    names: "cost",
    value: { field: "figure", title: unit === "" ? quantity : `${quantity}, ${unit}` },
    ends: { field: "end", title: "the cost's value" },
    base: itemAt(base.figures, figure),
    published,
  });
}
