/** What came of an estimation, from the states of its machines. */

import type { EstimationContext } from "../../../../machines/estimation.ts";
import type { EstimatePoint, EstimatorContext } from "../../../../machines/estimatorContext.ts";
import { DEFAULT_PROCESSOR_COSTS } from "../../../hardware/costs.ts";
import { Counter } from "../../../hardware/counters.ts";
import type { MissRatio } from "../../../hypervisor/wss/missRatios.ts";
import { itemAt, numberAt } from "../../../lookup.ts";
import type { OperationResult } from "../../operation.ts";
import type { World } from "../../world.ts";
import type { PageAgreements } from "./pageAgreement.ts";

const PAGE_BYTES = 4096;
/** An estimate has settled when it stays within this part of the final one. */
const SETTLED = 0.01;

export interface SeriesPoint extends EstimatePoint {
  /** The estimate in bytes: M (VEE21 3.4). */
  readonly bytes: number | null;
}

export interface VmEstimate {
  readonly vm: string;
  readonly memoryPages: number;
  readonly series: readonly SeriesPoint[];
  /** The last estimate; null if no interval ended. */
  readonly pages: number | null;
  readonly bytes: number | null;
  readonly truthPages: number | null;
  /** Of the last estimate without f, as a part of the truth; and the mean of its absolute value. */
  readonly error: number | null;
  readonly meanError: number | null;
  /** How far the pages that were counted at the last look, and at each, are those of the truth; null if none are named, as by a sample. */
  readonly agreement: PageAgreements | null;
  /** The miss-ratio curve of the last look, where it falls; null if the estimator makes none. */
  readonly missRatios: readonly MissRatio[] | null;
  /** When the stop rule was first fulfilled; and since when the estimate is within 1 % of the last one. */
  readonly stableAt: number | null;
  readonly settledAt: number | null;
  /** Intervals that ended while the process was still busy with the one before. */
  readonly lostIntervals: number;
  readonly missedGpas: number;
  /** What the VM paid, in parts of its time: log stores, and time in which its vCPUs did not run. */
  readonly logStoreShare: number;
  readonly stoppedShare: number;
}

/** How busy the pVM's CPUs were, in parts of one core; processes that had to wait count when they run. */
export interface LoadPoint {
  readonly time: number;
  readonly handler: number;
  readonly processes: number;
}

export interface EstimateResult extends OperationResult {
  readonly kind: "estimate";
  /** Its kind: one of those that there are, or a user's. */
  readonly estimator: string;
  readonly interval: number;
  readonly footprintPages: number;
  readonly vms: readonly VmEstimate[];
  readonly pvm: {
    readonly load: readonly LoadPoint[];
    readonly handlerCycles: number;
    readonly processCycles: number;
  };
}

export function vmEstimate(
  world: World,
  context: EstimatorContext,
  { agreement, missRatios }: Pick<VmEstimate, "agreement" | "missRatios">,
): VmEstimate {
  const { points, footprintPages, stableAt, lost } = context;
  const { config, vcpus } = itemAt(world.vms, context.vm);
  const series = points.map((point) => ({ ...point, bytes: bytesOf(point.pages) }));
  const last = series.at(-1);
  const errors = points.flatMap((point) => {
    const error = errorOf(point, footprintPages);
    return error === null ? [] : [Math.abs(error)];
  });
  const sum = (counter: number): number =>
    vcpus.reduce(
      (total, vcpu) => total + numberAt(itemAt(world.vcpus, vcpu).counters.values, counter),
      0,
    );
  const logStores =
    sum(Counter.logEntries) * (world.config.mmu.costs ?? DEFAULT_PROCESSOR_COSTS).logStore;
  const executed = sum(Counter.guestCycles) + sum(Counter.walkCycles);
  const elapsed = (last?.time ?? 0) * vcpus.length;
  return {
    vm: config.name,
    memoryPages: config.pages,
    series,
    pages: last?.pages ?? null,
    bytes: last?.bytes ?? null,
    truthPages: last?.truthPages ?? null,
    error: last === undefined ? null : errorOf(last, footprintPages),
    meanError: errors.length === 0 ? null : errors.reduce((a, b) => a + b) / errors.length,
    agreement,
    missRatios,
    stableAt: stableAt < 0 ? null : stableAt,
    settledAt: settledAt(points),
    lostIntervals: lost,
    missedGpas: sum(Counter.missedGpas),
    logStoreShare: executed === 0 ? 0 : logStores / executed,
    stoppedShare: elapsed === 0 ? 0 : Math.max(0, 1 - (last?.executedCycles ?? 0) / elapsed),
  };
}

function bytesOf(pages: number | null): number | null {
  return pages === null ? null : pages * PAGE_BYTES;
}

function errorOf({ pages, truthPages }: EstimatePoint, footprintPages: number): number | null {
  if (pages === null || truthPages === 0) return null;
  return (pages - footprintPages - truthPages) / truthPages;
}

function settledAt(points: readonly EstimatePoint[]): number | null {
  const final = points.at(-1)?.pages ?? null;
  if (final === null) return null;
  let settled: number | null = null;
  for (const { time, pages } of points) {
    if (pages === null || Math.abs(pages - final) > SETTLED * final) settled = null;
    else settled ??= time;
  }
  return settled;
}

/** From counters that only grow to shares of one core. A CPU does not do more than it can in a look's time. */
export function loadSeries({ loads, loadCycles, pvmCpus, looks }: EstimationContext): LoadPoint[] {
  const series: { time: number; handler: number; processes: number }[] = [];
  for (let look = 1; look <= looks; look++) {
    series.push({ time: look * loadCycles, handler: 0, processes: 0 });
  }
  const reports = loads.flat();
  for (const cpu of pvmCpus) {
    let handlerBefore = 0;
    let jobsBefore = 0;
    let waiting = 0;
    for (const report of reports) {
      if (report.cpu !== cpu) continue;
      const handler = report.handlerCycles - handlerBefore;
      waiting += report.jobCycles - jobsBefore;
      const done = Math.min(waiting, Math.max(0, loadCycles - handler));
      waiting -= done;
      handlerBefore = report.handlerCycles;
      jobsBefore = report.jobCycles;
      const point = itemAt(series, report.look - 1);
      point.handler += handler / loadCycles;
      point.processes += done / loadCycles;
    }
  }
  return series;
}
