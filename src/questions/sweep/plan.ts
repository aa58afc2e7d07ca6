/** A sweep before any run: its points, each as a scenario that is valid and can be built. */
import type { Override } from "../../config/override.ts";
import { UserError } from "../../errors.ts";
import { digestOf, RunIdentity } from "../../runs/runIdentity.ts";
import type { RunOrder } from "../../runs/runOrder.ts";
import { checkLoaded, type LoadedScenario, refuseUnread } from "../../runs/scenarioFile.ts";
import { type Metric, refuseOthers } from "../metrics.ts";
import type { Axis } from "./axis.ts";
import { fieldsOf, pointsOf, pointText, type SweepPoint } from "./points.ts";

export interface SweepAsked {
  /** The scenario with fields of other values. @throws UserError */
  readonly load: (overrides: readonly Override[]) => LoadedScenario;
  /** Fields that have other values in all points. */
  readonly common: readonly Override[];
  readonly axes: readonly Axis[];
  /** Null: the scenario's own. */
  readonly seeds: readonly number[] | null;
  /** @param operations of the points */
  readonly metrics: (operations: readonly string[]) => readonly Metric[];
}

export interface PlannedPoint extends SweepPoint {
  readonly order: LoadedScenario;
  /** Of each of its runs. */
  readonly seeds: readonly number[];
}

export interface SweepPlan {
  /** Of the scenario. */
  readonly name: string;
  readonly fields: readonly string[];
  readonly seeds: readonly number[] | null;
  readonly metrics: readonly Metric[];
  readonly points: readonly PlannedPoint[];
  /** Of what is asked: runs, columns and metrics. The code is not in it. */
  readonly digest: string;
}

/** Why points cannot be run, each reason once. */
export type Problems = readonly string[];

/**
 * Every point is read before the answer, so that all mistakes are said at once.
 * @returns the plan, or what is wrong with it
 * @throws UserError if it is not a matter of points
 */
export function planSweep(asked: SweepAsked): SweepPlan | { readonly problems: Problems } {
  const { load, axes, common, seeds } = asked;
  const fields = fieldsOf(axes);
  refuseSetTwice(fields, asked);
  const problems = new Map<string, SweepPoint[]>();
  const planned = pointsOf(axes).flatMap((point): PlannedPoint[] => {
    try {
      const order = load([...common, ...point.overrides]);
      return [{ ...point, order, seeds: seeds ?? [order.scenario.seed] }];
    } catch (error) {
      note(problems, error, point);
      return [];
    }
  });
  if (problems.size > 0) return { problems: textsOf(problems) };
  const operations = [...new Set(planned.map(({ order }) => order.scenario.operation.kind))];
  const metrics = asked.metrics(operations);
  refuseOthers(metrics, operations);
  const identity = new RunIdentity();
  const runs = planned.map(({ order, seeds: own, values }) => {
    return [values, own.map((seed) => identity.of(withSeed(order, seed)))];
  });
  const columns = [fields, metrics.map(({ name }) => name)];
  return {
    name: planned[0]?.order.scenario.name ?? "",
    fields,
    seeds,
    metrics,
    points: planned,
    digest: digestOf(JSON.stringify([columns, runs])),
  };
}

/**
 * Looks whether points can be run.
 * @param isDone what was run before can be built
 * @returns why not, each reason once
 */
export function tryOutPoints(
  points: readonly PlannedPoint[],
  isDone: (order: RunOrder) => boolean = () => false,
): Problems {
  refuseUnread(...points.map(({ order }) => order));
  const problems = new Map<string, SweepPoint[]>();
  for (const point of points) {
    try {
      if (point.seeds.some((seed) => isDone(withSeed(point.order, seed)))) continue;
      checkLoaded(point.order);
    } catch (error) {
      note(problems, error, point);
    }
  }
  return textsOf(problems);
}

export function withSeed({ scenario, directory }: RunOrder, seed: number): RunOrder {
  return { scenario: { ...scenario, seed }, directory };
}

/** One value would win, and the other be lost without a word. */
function refuseSetTwice(fields: readonly string[], { common, seeds }: SweepAsked): void {
  const set = common.find(({ path }) => fields.includes(path.join(".")));
  if (set !== undefined) {
    throw new UserError(`${set.origin}: ${set.path.join(".")} is varied, and set as well`);
  }
  if (seeds !== null && fields.includes("seed")) {
    throw new UserError("--seeds: seed is varied, and listed as well; give it once");
  }
}

function note(problems: Map<string, SweepPoint[]>, error: unknown, point: SweepPoint): void {
  if (!(error instanceof UserError)) throw error;
  for (const line of error.lines) {
    const points = problems.get(line);
    if (points === undefined) problems.set(line, [point]);
    else points.push(point);
  }
}

function textsOf(problems: ReadonlyMap<string, readonly SweepPoint[]>): Problems {
  return [...problems].map(([message, [first, ...others]]) => {
    const more = others.length === 0 ? "" : `, and ${others.length} more`;
    return first === undefined ? message : `${message} (at ${pointText(first)}${more})`;
  });
}
