/** The estimation processes of an operation: one in the pVM for each VM. */

import { estimatorMachine } from "../../../../machines/estimator.ts";
import { deriveSeed } from "../../../../workloads/random.ts";
import { formatCycles } from "../../../config/units.ts";
import type { Problems } from "../../../errors.ts";
import type { Part } from "../../../hardware/part.ts";
import { techniqueOf } from "../../../hypervisor/wss/estimation.ts";
import {
  type EstimatorConfig,
  type EstimatorRule,
  estimatorNamed,
  estimatorOf,
} from "../../../hypervisor/wss/estimators/all.ts";
import { findKernelFootprint } from "../../../hypervisor/wss/kernelFootprint.ts";
import type { Technique } from "../../../interconnect/messages.ts";
import { itemAt } from "../../../lookup.ts";
import type { OperationHelper, OperationHost } from "../../operation.ts";
import { actorName } from "../../roles.ts";
import type { World } from "../../world.ts";
import type { OperationSubject } from "../declaration.ts";
import { EstimatorDevice } from "./device.ts";
import type { VmEstimate } from "./estimateResult.ts";
import type { EstimationConfig } from "./estimatorSchema.ts";
import { kernelLives } from "./kernelVm.ts";

/** Series are kept point by point: more than this is a mistake in a unit. */
export const INTERVALS_MAX = 10_000;
const WINDOW_MAX = 1000;

/** How VMs are tracked for an estimator. */
export function estimateTechnique({ estimator }: EstimationConfig): Technique {
  return techniqueOf(estimatorNamed(estimator.kind).rule(estimator, 0));
}

export type Findings = Pick<VmEstimate, "agreement" | "missRatios">;

export interface Estimators {
  /** Names of the actors, by VM. */
  readonly names: readonly string[];
  readonly helpers: readonly OperationHelper[];
  readonly parts: readonly Part[];
  /** By VM: how far the pages that its process names are those in use, and its miss-ratio curve. */
  readonly findings: () => readonly Findings[];
}

/** What the estimation processes go by. */
export interface EstimationPlan {
  readonly intervalCycles: number;
  readonly windowIntervals: number;
  readonly footprint: EstimationConfig["kernelFootprint"];
  /** By VM: what its process goes by, and the seed of its samples. */
  readonly vms: readonly { readonly rule: EstimatorRule; readonly seed: number }[];
}

/** Cycles between two estimates. */
export function estimatorInterval(estimator: EstimatorConfig): number {
  return estimatorNamed(estimator.kind).interval(estimator);
}

/** The times go together with the run, the samples with the VMs. */
export function estimationPlan(
  config: EstimationConfig,
  { world, deadlineCycles, seed }: OperationSubject,
  problems: Problems,
): EstimationPlan {
  const { estimator, kernelFootprint: footprint } = config;
  const declared = estimatorNamed(estimator.kind);
  const intervalCycles = estimatorInterval(estimator);
  checkTimes(config, intervalCycles, deadlineCycles, problems);
  if (typeof footprint === "object" && footprint.needs > footprint.from) {
    problems.add(
      ["operation", "kernelFootprint"],
      `the kernel needs ${footprint.needs} pages, and the VM begins with ${footprint.from}`,
    );
  }
  const windowIntervals = (config.window ?? intervalCycles) / intervalCycles;
  const vms = world.vms.map(({ name, pages }) => {
    const rule = declared.rule(estimator, pages);
    checkSamples(declared.sampling?.samples(rule) ?? 0, name, pages, problems);
    return { rule, seed: deriveSeed(seed, `${name}/estimator`) };
  });
  return { intervalCycles, windowIntervals, footprint, vms };
}

/** @param footprintPages f, added to every estimate */
export function createEstimators(
  { intervalCycles, windowIntervals, vms }: EstimationPlan,
  footprintPages: number,
  world: World,
  host: OperationHost,
): Estimators {
  const { estimatorWake, scanEntry, scanLogged } = world.config.tracking.costs;
  const made = vms.map(({ rule, seed }, vm) => {
    const settings = { rule, intervalCycles, windowIntervals, seed };
    const device = new EstimatorDevice(world, host, vm, settings);
    const actor: OperationHelper = {
      role: { kind: "helper", helper: "estimator", vm },
      machine: estimatorMachine,
      device,
      input: ({ self, toolstack, scheduler, trackers, pvmCpus }) => ({
        vm,
        self,
        toolstack,
        scheduler,
        tracker: trackers[vm],
        pvmCpu: pvmCpus[vm % pvmCpus.length],
        rule,
        intervalCycles,
        footprintPages,
        bitmapWords: bitmapWords(world, vm),
        wakeCycles: estimatorWake,
        scanCycles: goesThroughList(rule) ? scanLogged : scanEntry,
      }),
    };
    return { actor, device };
  });
  return {
    names: made.map(({ actor }) => actorName(actor.role)),
    helpers: made.map(({ actor }) => actor),
    parts: made.flatMap(({ device }) => device.parts),
    findings: () =>
      made.map(({ device }) => {
        return { agreement: device.agreements(), missRatios: device.missRatios() };
      }),
  };
}

function goesThroughList(rule: EstimatorRule): boolean {
  const { source } = estimatorOf(rule);
  return source.of === "counts" && source.isList(rule);
}

function bitmapWords(world: World, vm: number): number {
  return Math.ceil(itemAt(world.vms, vm).tracked.dirty.pages / 32);
}

/** f in pages: as it is said, or as it is found by shrinking a VM. */
export function footprintOf({ footprint }: EstimationPlan): number {
  if (footprint === undefined) return 0;
  if (typeof footprint === "number") return footprint;
  const { needs, from } = footprint;
  const found = findKernelFootprint((pages) => kernelLives(needs, pages), from);
  if (found === null) throw new Error(`a VM of ${from} pages does not hold a kernel of ${needs}`);
  return found;
}

function checkTimes(
  { estimator, window }: EstimationConfig,
  interval: number,
  deadline: number,
  problems: Problems,
): void {
  const field = ["operation", "estimator", estimatorNamed(estimator.kind).intervalField];
  const own = formatCycles(interval);
  if (deadline > 0 && interval > deadline) {
    const run = formatCycles(deadline);
    problems.add(field, `${own} is longer than the run, which lasts ${run}`);
  } else if (deadline > INTERVALS_MAX * interval) {
    problems.add(field, `${own} is too short: more than ${INTERVALS_MAX} in the run`);
  }
  if (window !== undefined && (window % interval !== 0 || window > WINDOW_MAX * interval)) {
    const whole = `expected 1 to ${WINDOW_MAX} whole intervals of ${own}`;
    problems.add(["operation", "window"], whole);
  }
}

function checkSamples(samples: number, vm: string, pages: number, problems: Problems): void {
  if (samples <= pages) return;
  problems.add(
    ["operation", "estimator", "samples"],
    `${samples} samples, but VM "${vm}" has ${pages} pages`,
  );
}
