/**
 * Which costs decide a claim: each at the ends of its interval, one at a time, and between two values with other verdicts
 * narrowed down. One seed: what a cost changes is looked for, and not what chance does.
 */
import { itemAt, present } from "../../lookup.ts";
import type { RunSummary } from "../../system/summary.ts";
import { experimentsNamed } from "../all.ts";
import { type ClaimVerdict, claimOutcomes } from "../claims.ts";
import type { Experiment, Row } from "../experiment.ts";
import { rowsOf } from "../outcome.ts";
import { orderOf } from "../runPoint.ts";
import type { Scale } from "../scale.ts";
import type { SeededOrder } from "../seeds.ts";
import type { Claim } from "../study/claims.ts";
import { COST_PARAMETERS, type CostParameter } from "./parameters.ts";

/** Times that an interval with two verdicts is halved, as a factor. */
const HALVINGS = 4;

/** A claim with one cost at one value. */
export interface Look {
  readonly value: number;
  readonly verdict: ClaimVerdict;
  /** The claim's figures, in their order. */
  readonly figures: readonly number[];
}

export interface Effect {
  readonly parameter: CostParameter;
  readonly low: Look;
  readonly high: Look;
  /** Least and largest value that are known to leave the verdict as it is. */
  readonly same: readonly [from: number, to: number];
}

export interface Sensitivity {
  readonly claim: Claim;
  /** With all costs as they are. */
  readonly base: Look;
  /** The claim's figures. */
  readonly rows: readonly Row[];
  /** Costs that change a figure of it. */
  readonly effects: readonly Effect[];
  /** Costs that the experiment sets itself in some of its runs, where they stay. */
  readonly set: readonly CostParameter[];
  /** Costs that change none of its figures. */
  readonly without: readonly CostParameter[];
}

/** Does runs: their summaries, in their order. */
export type DoRuns = (runs: readonly SeededOrder[]) => Promise<readonly RunSummary[]>;

/** One cost at another value; null: all as they are. */
export type Setting = readonly [parameter: CostParameter, value: number] | null;

/** @throws what `doRuns` throws */
export async function sensitivityOf(
  claim: Claim,
  scale: Scale,
  doRuns: DoRuns,
): Promise<Sensitivity> {
  const subject = {
    claim,
    scale,
    doRuns,
    experiment: itemAt(experimentsNamed(claim.experiment), 0),
  };
  const points = subject.experiment.points(scale);
  const set = COST_PARAMETERS.filter((cost) =>
    points.some(({ scenario }) => isSet(scenario, cost)),
  );
  const [base = null] = await looksAt(subject, [null]);
  const { look, rows, readsEnergy } = present(base, "what there is without a change");
  const found: Effect[] = [];
  // Of a run they change its energy alone (src/system/energy.ts).
  const without = COST_PARAMETERS.filter(({ section }) => section === "energy" && !readsEnergy);
  const varied = COST_PARAMETERS.filter((parameter) => !without.includes(parameter));
  const effects = await effectsOf(subject, varied, look);
  for (const effect of effects) {
    const isOne = [effect.low, effect.high].some((end) => !isTheSame(end, look));
    if (isOne) found.push(effect);
    else without.push(effect.parameter);
  }
  await narrow(subject, found, look);
  return { claim, base: look, rows, effects: found, set, without };
}

interface Subject {
  readonly claim: Claim;
  readonly experiment: Experiment;
  readonly scale: Scale;
  readonly doRuns: DoRuns;
}

interface Seen {
  readonly look: Look;
  readonly rows: readonly Row[];
  /** Whether any figure of the experiment is made from energy. */
  readonly readsEnergy: boolean;
}

async function effectsOf(
  subject: Subject,
  parameters: readonly CostParameter[],
  base: Look,
): Promise<readonly Effect[]> {
  const ends = parameters.flatMap((parameter): Setting[] => [
    [parameter, parameter.low],
    [parameter, parameter.high],
  ]);
  const seen = await looksAt(subject, ends);
  return parameters.map((parameter, i) => {
    const [low, high] = [itemAt(seen, 2 * i).look, itemAt(seen, 2 * i + 1).look];
    const end = (look: Look): number =>
      look.verdict === base.verdict ? look.value : parameter.now;
    return { parameter, low, high, same: [end(low), end(high)] };
  });
}

/** Between the value as it is and an end with another verdict: all of them together, step by step. */
async function narrow(subject: Subject, effects: Effect[], base: Look): Promise<void> {
  const open = effects.flatMap((effect, at) =>
    ([0, 1] as const)
      .filter((side) => (side === 0 ? effect.low : effect.high).verdict !== base.verdict)
      .map((side) => {
        const { now, low, high } = effect.parameter;
        return { at, side, same: now, other: side === 0 ? low : high };
      }),
  );
  for (let step = 0; step < HALVINGS; step++) {
    const middles = open.map(({ same, other }) => middleOf(same, other));
    const settings = open.map(
      ({ at }, i): Setting => [itemAt(effects, at).parameter, itemAt(middles, i)],
    );
    const seen = await looksAt(subject, settings);
    for (const [i, search] of open.entries()) {
      const isSame = itemAt(seen, i).look.verdict === base.verdict;
      if (isSame) search.same = itemAt(middles, i);
      else search.other = itemAt(middles, i);
    }
  }
  for (const { at, side, same } of open) {
    const effect = itemAt(effects, at);
    const [from, to] = effect.same;
    effects[at] = { ...effect, same: side === 0 ? [same, to] : [from, same] };
  }
}

/** By a factor, as costs are known to within one; a whole number of cycles. */
function middleOf(one: number, other: number): number {
  return Math.round(Math.sqrt(Math.max(1, one) * Math.max(1, other)));
}

const isTheSame = (one: Look, other: Look): boolean =>
  one.figures.every((figure, i) => Object.is(figure, other.figures[i]));

/** The claim under each setting. */
async function looksAt(
  { claim, experiment, scale, doRuns }: Subject,
  settings: readonly Setting[],
): Promise<readonly Seen[]> {
  const points = experiment.points(scale).map(({ name }) => name);
  const orders = settings.flatMap((setting) => ordersWith(experiment, scale, setting));
  const summaries = await doRuns(orders);
  return settings.map((setting, n) => {
    const own = new Map(points.map((name, i) => [name, summaries[n * points.length + i]]));
    let readsEnergy = false;
    const results = (name: string): RunSummary => {
      const summary = present(own.get(name), `the run "${name}"`);
      const energy = (): RunSummary["energy"] => {
        readsEnergy = true;
        return summary.energy;
      };
      return Object.defineProperty({ ...summary }, "energy", { get: energy });
    };
    const rows = rowsOf(experiment, [experiment.evaluate(results, scale)], scale);
    const outcome = present(
      claimOutcomes(rows).find((one) => one.claim === claim),
      "the claim's verdict",
    );
    const bearing = rows.filter(({ quantity }) => claim.rows.test(quantity));
    const value = setting?.[1] ?? 0;
    const figures = bearing.map(({ emulated }) => emulated);
    const look = { value, verdict: outcome.verdict, figures };
    return { look, rows: bearing, readsEnergy };
  });
}

/** An experiment's points with a cost at another value, but where a point sets the cost itself: what is varied there is the experiment's. */
export function ordersWith(
  experiment: Experiment,
  scale: Scale,
  setting: Setting,
): readonly SeededOrder[] {
  return experiment.points(scale).map(({ name, scenario: input }) => {
    const { scenario, directory } = orderOf(input);
    if (setting === null || isSet(input, setting[0])) return { name, directory, scenario };
    const [{ section, name: cost }, value] = setting;
    const { machine } = scenario;
    const costs = { ...machine.costs, [section]: { ...machine.costs[section], [cost]: value } };
    return { name, directory, scenario: { ...scenario, machine: { ...machine, costs } } };
  });
}

type Input = ReturnType<Experiment["points"]>[number]["scenario"];

function isSet({ machine }: Input, { section, name }: CostParameter): boolean {
  const costs: Readonly<Record<string, unknown>> = machine?.costs?.[section] ?? {};
  return costs[name] !== undefined;
}
