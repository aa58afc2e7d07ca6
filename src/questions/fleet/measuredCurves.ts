/** Curves from what the runs amount to. */
import { CYCLES_PER_SECOND } from "../../config/units.ts";
import { UserError } from "../../errors.ts";
import { resultOf } from "../../system/operations/all.ts";
import type { RunSummary } from "../../system/summary.ts";
import { type CurveOrder, isSettled, type Role } from "./curveRuns.ts";
import type { Curve, Dirty, Estimates, MigrationCosts, WorkingSet } from "./curves.ts";
import type { FleetConfig } from "./fleetSchema.ts";

/** A run that has ended, and its name in the store. */
export interface CurveRun {
  readonly order: CurveOrder;
  readonly key: string;
  readonly summary: RunSummary;
}

/** "kind web, seed 2, tracker prl": for messages. */
export function runText({ kind, seed, role }: CurveOrder): string {
  return `kind ${kind}, seed ${seed}, ${roleText(role)}`;
}

function roleText(role: Role): string {
  switch (role.what) {
    case "workingSet":
      return "working set";
    case "estimate":
      return `tracker ${role.tracker}`;
    case "dirty":
      return `dirty pages under ${role.technique}`;
    case "migrate":
      return `migration under ${role.technique}`;
    case "memory":
      return `left ${role.pages} pages`;
  }
}

/** @throws UserError if the guest's work was done before the run's end, or there is no window in it */
export function workingSetOf({ order, key, summary }: CurveRun, config: FleetConfig): WorkingSet {
  const { length, warmUp } = config.curves;
  if (summary.time < length) {
    throw new UserError(
      `${runText(order)}: the guest's work ended after ${seconds(summary.time)}, and curves.length is ${seconds(length)}; a guest of a fleet goes on`,
    );
  }
  const [vm] = resultOf("estimate", summary.operation).vms;
  const points = (vm?.series ?? []).filter(({ time }) => time > warmUp);
  if (points.length === 0) {
    throw new UserError(`${runText(order)}: no window of curves.interval in curves.length`);
  }
  const truth = Float64Array.from(points, ({ truthPages }) => truthPages);
  return { truth, pace: paceOf(summary), run: key };
}

/** Memory of the VM, in pages. */
export function memoryOf({ summary }: CurveRun): number {
  return resultOf("estimate", summary.operation).vms[0]?.memoryPages ?? 0;
}

/** The estimates at the ends of the working set's windows: the newest of each time. */
export function estimatesOf(
  { key, summary }: CurveRun,
  { truth, pace }: WorkingSet,
  { curves: { warmUp, interval } }: FleetConfig,
): Estimates {
  const { vms, pvm } = resultOf("estimate", summary.operation);
  const series = vms[0]?.series ?? [];
  const first = Math.floor(warmUp / interval) + 1;
  const pages = truth.map((_, n) => {
    const end = (first + n) * interval;
    return series.findLast(({ time }) => time <= end)?.pages ?? Number.NaN;
  });
  const busy = pvm.handlerCycles + pvm.processCycles;
  return { pages, speed: paceOf(summary) / pace, pvmShare: busy / summary.time, run: key };
}

/** @param runs of one technique, by their windows; @throws UserError if a run lost a page or has no round */
export function dirtyOf(runs: readonly CurveRun[], { curves: { warmUp } }: FleetConfig): Dirty {
  const points = runs.map(({ order, summary }): readonly [number, number] => {
    const window = order.role.what === "dirty" ? order.role.window : 0;
    // The last round was cut off, and the first ones are the guest's beginning.
    const rounds = resultOf("measure", summary.operation).rounds.slice(0, -1);
    const kept = rounds.slice(Math.min(rounds.length - 1, Math.ceil(warmUp / window)));
    if (kept.length === 0) throw new UserError(`${runText(order)}: no round was finished`);
    const found = kept.map(({ pagesWritten, guestPageTables }) => {
      const [written = null] = pagesWritten;
      const [tables = 0] = guestPageTables;
      if (written === null) {
        throw new UserError(`${runText(order)}: it does not find written pages`);
      }
      return written + tables;
    });
    return [window, found.reduce((sum, one) => sum + one, 0) / found.length];
  });
  const total = (of: (harvests: RunSummary["harvests"][number]) => number): number =>
    runs.reduce(
      (sum, { summary }) => sum + summary.harvests.reduce((own, one) => own + of(one), 0),
      0,
    );
  return {
    pages: curveOf(points, runs),
    reported: total(({ reportedPages }) => reportedPages),
    overReported: total(({ overReported }) => overReported),
    missed: total(({ lostPages, droppedPages }) => lostPages + droppedPages),
  };
}

/** @throws UserError if the migration had no round */
export function migrationCostsOf({ order, key, summary }: CurveRun): MigrationCosts {
  const { rounds, setupTime } = resultOf("migrate", summary.operation);
  const [first] = rounds;
  if (first === undefined) throw new UserError(`${runText(order)}: nothing was sent`);
  const gaps = rounds.slice(1).map((round, n): readonly [number, number] => {
    const before = rounds[n] ?? first;
    return [
      before.dirtyAfter ?? round.pagesSent,
      round.startTime - before.startTime - before.duration,
    ];
  });
  const { pvm } = summary;
  return {
    mapped: first.pagesSent,
    setup: setupTime,
    ...lineThrough(gaps),
    pvmCycles: pvm.exit + pvm.entry + pvm.handler + pvm.control + pvm.processes,
    run: key,
  };
}

/** Least squares; a constant where the points do not tell more. */
function lineThrough(points: readonly (readonly [number, number])[]): {
  readonly harvest: number;
  readonly harvestPage: number;
} {
  const count = Math.max(1, points.length);
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count;
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const together = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const harvestPage = spread === 0 ? 0 : Math.max(0, together / spread);
  return { harvest: Math.max(0, meanY - harvestPage * meanX), harvestPage };
}

/** @param runs by the memory that was left, the last one with all of it */
export function throughputOf(
  runs: readonly CurveRun[],
  { curves: { length } }: FleetConfig,
): Curve {
  const rates = runs.map(({ order, summary }): readonly [number, number] => {
    const [vm] = resultOf("overcommit", summary.operation).vms;
    const settled = (vm?.series ?? []).filter(({ time }) => isSettled(time, length));
    const rate = settled.reduce((sum, { accesses }) => sum + accesses, 0) / settled.length;
    return [order.role.what === "memory" ? order.role.pages : 0, rate];
  });
  const [, enough = 0] = rates.at(-1) ?? [];
  return curveOf(
    rates.map(([pages, rate]) => [pages, Math.min(1, rate / enough)]),
    runs,
  );
}

function curveOf(points: readonly (readonly [number, number])[], runs: readonly CurveRun[]): Curve {
  return {
    x: Float64Array.from(points, ([x]) => x),
    y: Float64Array.from(points, ([, y]) => y),
    runs: runs.map(({ key }) => key),
  };
}

/** Accesses a second. */
function paceOf({ accesses, time }: RunSummary): number {
  return (accesses * CYCLES_PER_SECOND) / time;
}

function seconds(cycles: number): string {
  return `${(cycles / CYCLES_PER_SECOND).toFixed(3)} s`;
}
