/**
 * Seeds: what chance enters is run with several, and what it does not enter once. Which is which follows from the scenario
 * (src/system/scenario/chance.ts), and a figure that is the same with every seed has no interval.
 */
import { itemAt } from "../lookup.ts";
import type { RunOrder } from "../runs/runOrder.ts";
import { isLeftToChance } from "../system/scenario/chance.ts";
import type { Experiment } from "./experiment.ts";
import { orderOf } from "./runPoint.ts";
import { FULL, type Scale } from "./scale.ts";

/** Between two seeds of a point: points of an experiment have neighbouring ones. */
const STEP = 1000;
export const SEEDS_MAX = 1000;

/** With how many seeds a run is done, if nothing is said. */
export function defaultSeeds({ name }: Scale): number {
  return name === FULL.name ? 10 : 3;
}

export interface SeededOrder extends RunOrder {
  readonly name: string;
}

/** The points of an experiment with a seed of several, counted from 0: those without chance are the same with each. */
export function ordersOf(
  experiment: Experiment,
  scale: Scale,
  replica: number,
): readonly (readonly [point: string, order: SeededOrder])[] {
  return experiment.points(scale).map(({ name, scenario: input }) => {
    const { scenario, directory } = orderOf(input);
    if (replica === 0 || !isLeftToChance(scenario)) return [name, { name, scenario, directory }];
    const seed = scenario.seed + replica * STEP;
    const own = { ...scenario, seed };
    return [name, { name: `${name}, seed ${seed}`, scenario: own, directory }];
  });
}

/** Into how many of an experiment's runs chance enters. */
export interface Chance {
  /** Seeds of each of them. */
  readonly seeds: number;
  readonly drawn: number;
  readonly certain: number;
}

export function chanceIn(experiment: Experiment, scale: Scale, seeds: number): Chance {
  const points = experiment.points(scale);
  const drawn = points.filter(({ scenario }) => isLeftToChance(orderOf(scenario).scenario)).length;
  return { seeds, drawn, certain: points.length - drawn };
}

/** For reports: what was run how often, and what the figures then are. */
export function chanceText({ seeds, drawn, certain }: Chance): string {
  if (drawn === 0) return "chance enters none of the runs: each was done once";
  if (seeds === 1) return "one seed: how far another one would lead elsewhere is not known";
  const rest = certain === 0 ? "" : `; no chance enters the other ${certain}, which were done once`;
  return `${seeds} seeds of ${drawn} runs${rest}. A figure is the mean of the seeds, with half the width of its 95 % interval (Student's t) where it is not the same with all of them; findings, reasons and series over time are the first seed's`;
}

/** Values by seed: one alone if they are the same with every seed. */
export function bySeed(values: readonly number[]): readonly number[] {
  const first = itemAt(values, 0);
  return values.every((value) => Object.is(value, first)) ? [first] : values;
}
