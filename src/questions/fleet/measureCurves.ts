/** The curves of all kinds of a fleet, measured by runs through the pool: none is done that the store has. */
import { UserError } from "../../errors.ts";
import { type Ended, type PoolOptions, type RunProgress, runAll } from "../../runs/pool.ts";
import { type CurveOrder, curveOrders, memoryOrders, techniquesOf } from "./curveRuns.ts";
import { type GuestCurves, type KindCurves, meanOf } from "./curves.ts";
import type { Fleet, LoadedKind } from "./fleetFile.ts";
import {
  type CurveRun,
  dirtyOf,
  estimatesOf,
  memoryOf,
  migrationCostsOf,
  runText,
  throughputOf,
  workingSetOf,
} from "./measuredCurves.ts";

export interface MeasureOptions extends Omit<PoolOptions, "onProgress"> {
  /** @param what which runs they are */
  readonly onProgress?: (what: string, progress: RunProgress) => void;
}

/** Every curve's runs, those of memory apart: they need the working sets. */
type Runs = readonly CurveRun[];

/**
 * @throws Interrupted; UserError if a run cannot be, or broke a promise (docs/verdict.md), or is not what a curve
 * can be made of
 */
export async function measureCurves(
  { config, kinds }: Fleet,
  options: MeasureOptions,
): Promise<KindCurves[]> {
  const { seeds } = config.curves;
  const first = await runOrders(
    kinds.flatMap(({ name, guest }) => curveOrders(config, name, guest)),
    "runs of curves",
    options,
  );
  const ofMemory = await runOrders(
    kinds.flatMap((kind) => seeds.flatMap((seed) => shortOrders(config, first, kind, seed))),
    "runs with less memory",
    options,
  );
  return kinds.map(({ name }) => ({
    name,
    guests: seeds.map((seed) => {
      const [runs, less] = [runsOf(first, name, seed), runsOf(ofMemory, name, seed)];
      return guestCurves(config, runs, less, seed);
    }),
  }));
}

/** @param what which runs they are */
async function runOrders(
  orders: readonly CurveOrder[],
  what: string,
  { onProgress, ...pool }: MeasureOptions,
): Promise<Runs> {
  const take = (ended: Ended, order: CurveOrder): Omit<CurveRun, "key"> => ({
    order,
    summary: summaryOf(ended, order),
  });
  const options = { ...pool, onProgress: (now: RunProgress) => onProgress?.(what, now) };
  const taken = await runAll(orders, take, options);
  return orders.map((order) => {
    const key = pool.store.key(order);
    const found = taken.get(key);
    if (found === undefined) throw new Error(`there is no run ${key}`);
    return { ...found, order, key };
  });
}

function runsOf(runs: Runs, kind: string, seed: number): Runs {
  return runs.filter(({ order }) => order.kind === kind && order.seed === seed);
}

/** Of a guest with less memory than it uses. */
function shortOrders(
  config: Fleet["config"],
  runs: Runs,
  { name, guest }: LoadedKind,
  seed: number,
): CurveOrder[] {
  const one = workingSetRun(runsOf(runs, name, seed));
  const used = meanOf(workingSetOf(one, config).truth);
  return memoryOrders(config, name, guest, seed, { memory: memoryOf(one), used });
}

/** @param less those with less memory */
function guestCurves(config: Fleet["config"], runs: Runs, less: Runs, seed: number): GuestCurves {
  const one = workingSetRun(runs);
  const workingSet = workingSetOf(one, config);
  const estimates = runs.flatMap((each): [string, GuestCurves["estimates"][string]][] => {
    const { role } = each.order;
    return role.what === "estimate" ? [[role.tracker, estimatesOf(each, workingSet, config)]] : [];
  });
  const techniques = techniquesOf(config);
  const dirty = techniques.map((technique) => {
    const own = runs.filter(
      ({ order: { role } }) => role.what === "dirty" && role.technique === technique,
    );
    return [technique, dirtyOf(own, config)] as const;
  });
  const migration = runs.flatMap((each): [string, GuestCurves["migration"][string]][] => {
    const { role } = each.order;
    return role.what === "migrate" ? [[role.technique, migrationCostsOf(each)]] : [];
  });
  return {
    seed,
    memory: memoryOf(one),
    workingSet,
    estimates: Object.fromEntries(estimates),
    dirty: Object.fromEntries(dirty),
    migration: Object.fromEntries(migration),
    throughput: throughputOf(less, config),
  };
}

function workingSetRun(runs: Runs): CurveRun {
  const found = runs.find(({ order }) => order.role.what === "workingSet");
  if (found === undefined) throw new Error("there is no run of the working set");
  return found;
}

function summaryOf(ended: Ended, order: CurveOrder): CurveRun["summary"] {
  if ("problem" in ended) throw new UserError(`${runText(order)}: ${ended.problem}`);
  if (ended.broken !== null) throw new UserError(`${runText(order)}: ${ended.broken}`);
  return ended.summary;
}
