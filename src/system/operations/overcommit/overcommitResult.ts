/** What came of overcommitment, from the states of its machines and the memory behind them. */

import type { BalloonContext } from "../../../../machines/balloon.ts";
import type { EstimatorContext } from "../../../../machines/estimatorContext.ts";
import type { OvercommitmentContext, VmPoint } from "../../../../machines/overcommitment.ts";
import type { PagerContext } from "../../../../machines/pager.ts";
import { CYCLES_PER_SECOND } from "../../../config/units.ts";
import { Counter } from "../../../hardware/counters.ts";
import type { Paging } from "../../../hypervisor/overcommit/paging.ts";
import { lostStoresOf, Tally, type VmMemory } from "../../../hypervisor/overcommit/vmMemory.ts";
import { itemAt, numberAt } from "../../../lookup.ts";
import type { OperationResult } from "../../operation.ts";
import type { World } from "../../world.ts";
import type { OvercommitConfig } from "./overcommitSchema.ts";

/** One VM between two decisions: sizes at the end of the interval, rates and shares over it. */
export interface VmSeriesPoint {
  readonly time: number;
  readonly size: number;
  readonly resident: number;
  readonly target: number;
  /** The newest estimate, what the controller made of it, and W(t, T) at the last look before. */
  readonly estimate: number | null;
  readonly used: number | null;
  readonly truth: number | null;
  /** Per second. */
  readonly guestRefaults: number;
  readonly hostRefaults: number;
  readonly accesses: number;
  /** Part of its vCPUs' time that they waited for pages. */
  readonly waiting: number;
}

export interface VmOutcome {
  readonly vm: string;
  readonly memoryPages: number;
  readonly series: readonly VmSeriesPoint[];
  /** Until its workload ended, or the run did. */
  readonly elapsed: number;
  readonly accesses: number;
  readonly firstTouches: number;
  readonly guestRefaults: number;
  readonly hostRefaults: number;
  /** Refaults per second. */
  readonly refaultRate: number;
  /** Pages that the guest paged out, free pages that it gave, pages that the hypervisor swapped. */
  readonly pagedOut: number;
  readonly freeGiven: number;
  readonly swappedOut: number;
  readonly doublePaged: number;
  /** Cycles of its vCPUs: waiting for pages, and executing. */
  readonly waitCycles: number;
  readonly runCycles: number;
  /** Waiting as a part of elapsed time; and 1 + waiting / executing. */
  readonly waiting: number;
  readonly slowdown: number;
  /** Accesses per second; and as a part of those in a run with enough memory, null if there was none. */
  readonly throughput: number;
  readonly relativeThroughput: number | null;
  /** Means over the decisions, in pages: its size, what it was taken to use, and what it really used. */
  readonly meanSize: number | null;
  readonly meanUsed: number | null;
  readonly meanTruth: number | null;
  /** What it uses with enough memory, from that run. A VM that waits for pages touches fewer of them. */
  readonly unhinderedTruth: number | null;
  /** The balloon's work in the guest. */
  readonly balloonCycles: number;
}

export interface OvercommitResult extends OperationResult {
  readonly kind: "overcommit";
  readonly policy: OvercommitConfig["policy"]["kind"];
  readonly estimator: string;
  readonly hostPages: number;
  readonly vms: readonly VmOutcome[];
  /** Most frames that VMs had or that were on their way back, at any decision. */
  readonly mostFrames: number;
  readonly controller: {
    readonly decisions: number;
    readonly lostDecisions: number;
    readonly cycles: number;
    /** Estimation processes' work on the pVM. */
    readonly estimatorCycles: number;
    /** Both as a part of one CPU's time. */
    readonly share: number;
  };
  readonly pager: { readonly faults: number; readonly invepts: number; readonly cycles: number };
  readonly disk: { readonly pagesRead: number; readonly pagesWritten: number };
}

export interface OvercommitContexts {
  readonly controller: OvercommitmentContext;
  readonly pager: PagerContext;
  readonly estimators: readonly EstimatorContext[];
  readonly balloons: readonly BalloonContext[];
}

export function overcommitResult(
  world: World,
  paging: Paging,
  config: OvercommitConfig,
  contexts: OvercommitContexts,
): OvercommitResult {
  const { controller, pager, estimators, balloons } = contexts;
  const { points, decisions, lost, decisionCycles } = controller;
  const time = points.at(-1)?.time ?? 0;
  const cycles = decisions * decisionCycles;
  const estimatorCycles = estimators.reduce((sum, estimator) => {
    return sum + estimator.points.reduce((own, { pvmCycles }) => own + pvmCycles, 0);
  }, 0);
  return {
    kind: "overcommit",
    failures: paging.memories.flatMap(lossOf),
    policy: config.policy.kind,
    estimator: config.estimator.kind,
    hostPages: config.memory,
    vms: world.vms.map((_, vm) =>
      outcome(world, paging, vm, controller, itemAt(estimators, vm), itemAt(balloons, vm)),
    ),
    mostFrames: points.reduce(
      (most, { freeFrames }) => Math.max(most, config.memory - freeFrames),
      0,
    ),
    controller: {
      decisions,
      lostDecisions: lost,
      cycles,
      estimatorCycles,
      share: time === 0 ? 0 : (cycles + estimatorCycles) / time,
    },
    pager: { faults: pager.faults, invepts: pager.flushes, cycles: pager.handlerCycles },
    disk: { pagesRead: paging.disk.pagesRead, pagesWritten: paging.disk.pagesWritten },
  };
}

function lossOf(memory: VmMemory): string[] {
  const { stores, firstPage } = lostStoresOf(memory);
  if (stores === 0) return [];
  const { name } = memory.vm;
  return [
    `${name}: ${stores === 1 ? "a store was" : `${stores} stores were`} lost, the first to page ${firstPage}: its frame was taken and read while a CPU could still write to it`,
  ];
}

const NOTHING: VmPoint = {
  size: 0,
  resident: 0,
  target: 0,
  estimate: null,
  used: null,
  guestRefaults: 0,
  hostRefaults: 0,
  firstTouches: 0,
  waitCycles: 0,
  accesses: 0,
};

function outcome(
  world: World,
  paging: Paging,
  vm: number,
  { points }: OvercommitmentContext,
  estimator: EstimatorContext,
  balloon: BalloonContext,
): VmOutcome {
  const { config, vcpus } = itemAt(world.vms, vm);
  const { tallies } = itemAt(paging.memories, vm);
  const last = points.at(-1);
  const { firstTouches, guestRefaults, hostRefaults, waitCycles, accesses } =
    last?.vms[vm] ?? NOTHING;
  const halted = tallies[Tally.haltedAt];
  const elapsed = halted > 0 ? halted : (last?.time ?? 0);
  const perSecond = (count: number): number =>
    elapsed === 0 ? 0 : (count * CYCLES_PER_SECOND) / elapsed;
  const runCycles = vcpus.reduce((sum, vcpu) => {
    const { values } = itemAt(world.vcpus, vcpu).counters;
    return sum + numberAt(values, Counter.guestCycles) + numberAt(values, Counter.walkCycles);
  }, 0);
  const series = seriesOf(points, vm, estimator, vcpus.length);
  return {
    vm: config.name,
    memoryPages: config.pages,
    series,
    elapsed,
    accesses,
    firstTouches,
    guestRefaults,
    hostRefaults,
    refaultRate: perSecond(guestRefaults + hostRefaults),
    pagedOut: tallies[Tally.guestOuts],
    freeGiven: tallies[Tally.freeOuts],
    swappedOut: tallies[Tally.hostOuts],
    doublePaged: tallies[Tally.doublePaged],
    waitCycles,
    runCycles,
    waiting: elapsed === 0 ? 0 : waitCycles / (elapsed * vcpus.length),
    slowdown: runCycles === 0 ? 1 : 1 + waitCycles / runCycles,
    throughput: perSecond(accesses),
    relativeThroughput: null,
    meanSize: mean(series, ({ size }) => size),
    meanUsed: mean(series, ({ used }) => used),
    meanTruth: mean(series, ({ truth }) => truth),
    unhinderedTruth: null,
    balloonCycles: balloon.guestCycles,
  };
}

function seriesOf(
  points: OvercommitmentContext["points"],
  vm: number,
  { points: looks }: EstimatorContext,
  vcpus: number,
): VmSeriesPoint[] {
  let before = { time: 0, ...NOTHING };
  return points.map(({ time, vms }) => {
    const now = itemAt(vms, vm);
    const duration = time - before.time;
    const rate = (of: "guestRefaults" | "hostRefaults" | "accesses"): number =>
      duration === 0 ? 0 : ((now[of] - before[of]) * CYCLES_PER_SECOND) / duration;
    const waited = now.waitCycles - before.waitCycles;
    const point: VmSeriesPoint = {
      time,
      size: now.size,
      resident: now.resident,
      target: now.target,
      estimate: now.estimate,
      used: now.used,
      truth: looks.findLast((look) => look.time <= time)?.truthPages ?? null,
      guestRefaults: rate("guestRefaults"),
      hostRefaults: rate("hostRefaults"),
      accesses: rate("accesses"),
      waiting: duration === 0 ? 0 : waited / (duration * vcpus),
    };
    before = { time, ...now };
    return point;
  });
}

function mean(
  series: readonly VmSeriesPoint[],
  value: (point: VmSeriesPoint) => number | null,
): number | null {
  const values = series.map(value).filter((one) => one !== null);
  return values.length === 0 ? null : values.reduce((sum, one) => sum + one, 0) / values.length;
}

/** The result with what each VM does and uses on a host with enough memory. */
export function compareWith(
  reference: OvercommitResult,
  result: OvercommitResult,
): OvercommitResult {
  const vms = result.vms.map((vm, number) => {
    const { throughput, meanTruth } = itemAt(reference.vms, number);
    const relativeThroughput = throughput === 0 ? null : vm.throughput / throughput;
    return { ...vm, relativeThroughput, unhinderedTruth: meanTruth };
  });
  return { ...result, vms };
}
