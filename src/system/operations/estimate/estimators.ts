/** The estimation processes of an operation: one in the pVM for each VM. */
import { estimatorMachine } from "../../../../machines/estimator.ts";
import { deriveSeed } from "../../../../workloads/random.ts";
import { formatCycles } from "../../../config/units.ts";
import { fieldError } from "../../../errors.ts";
import type { Part } from "../../../hardware/part.ts";
import { techniqueOf } from "../../../hypervisor/wss/estimation.ts";
import { type EstimatorConfig, estimatorNamed } from "../../../hypervisor/wss/estimators/all.ts";
import { findKernelFootprint } from "../../../hypervisor/wss/kernelFootprint.ts";
import type { Technique } from "../../../interconnect/messages.ts";
import type { OperationHelper, OperationHost, OperationWires } from "../../operation.ts";
import { actorName } from "../../roles.ts";
import type { World } from "../../world.ts";
import { EstimatorDevice } from "./device.ts";
import type { EstimationConfig } from "./estimatorSchema.ts";
import { kernelLives } from "./kernelVm.ts";

/** Series are kept point by point: more than this is a mistake in a unit. */
export const INTERVALS_MAX = 10_000;
const WINDOW_MAX = 1000;

/** How VMs are tracked for an estimator. */
export function estimateTechnique({ estimator }: EstimationConfig): Technique {
  return techniqueOf(estimatorNamed(estimator.kind).rule(estimator, 0));
}

export interface Estimators {
  /** Names of the actors, by VM. */
  readonly names: readonly string[];
  readonly helpers: readonly OperationHelper[];
  readonly parts: readonly Part[];
}

export interface Estimation {
  readonly intervalCycles: number;
  readonly footprintPages: number;
  estimators(world: World, host: OperationHost): Estimators;
}

/**
 * @param deadlineCycles end of the run, 0 = when the workloads have ended
 * @param seed of the samples
 * @throws FieldError if the parameters make no sense together
 */
export function prepareEstimation(
  config: EstimationConfig,
  deadlineCycles: number,
  seed: number,
): Estimation {
  const { estimator } = config;
  const intervalCycles = estimatorInterval(estimator);
  checkTimes(config, intervalCycles, deadlineCycles);
  const windowIntervals = (config.window ?? intervalCycles) / intervalCycles;
  const footprintPages = footprintOf(config.kernelFootprint);
  const estimators = (world: World, host: OperationHost): Estimators => {
    const rules = world.vms.map(({ config: { pages, name } }) => {
      const declared = estimatorNamed(estimator.kind);
      const rule = declared.rule(estimator, pages);
      checkSamples(declared.sampling?.samples(rule) ?? 0, name, pages);
      return rule;
    });
    const devices = rules.map((rule, vm) => {
      const own = deriveSeed(seed, `${world.vms[vm]!.config.name}/estimator`);
      const settings = { rule, intervalCycles, windowIntervals, seed: own };
      return new EstimatorDevice(world, host, vm, settings);
    });
    const helpers = rules.map((rule, vm): OperationHelper => {
      const role = { kind: "helper", helper: "estimator", vm } as const;
      const device = devices[vm] ?? null;
      const input = ({ self, toolstack, scheduler, trackers, pvmCpus }: OperationWires) => ({
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
        wakeCycles: world.config.tracking.costs.estimatorWake,
        scanCycles: world.config.tracking.costs.scanEntry,
      });
      return { role, machine: estimatorMachine, device, input };
    });
    const names = helpers.map(({ role }) => actorName(role));
    return { names, helpers, parts: devices.flatMap(({ parts }) => parts) };
  };
  return { intervalCycles, footprintPages, estimators };
}

function bitmapWords(world: World, vm: number): number {
  return Math.ceil(world.vms[vm]!.tracked.dirty.pages / 32);
}

/** Cycles between two estimates. */
export function estimatorInterval(estimator: EstimatorConfig): number {
  return estimatorNamed(estimator.kind).interval(estimator);
}

function footprintOf(config: EstimationConfig["kernelFootprint"]): number {
  if (config === undefined) return 0;
  if (typeof config === "number") return config;
  const { needs, from } = config;
  const found = findKernelFootprint((pages) => kernelLives(needs, pages), from);
  if (found === null) {
    throw fieldError(
      ["operation", "kernelFootprint"],
      `the kernel needs ${needs} pages, and the VM begins with ${from}`,
    );
  }
  return found;
}

function checkTimes(
  { estimator, window }: EstimationConfig,
  interval: number,
  deadline: number,
): void {
  const field = ["operation", "estimator", estimatorNamed(estimator.kind).intervalField];
  if (deadline > 0 && interval > deadline) {
    const [own, run] = [formatCycles(interval), formatCycles(deadline)];
    throw fieldError(field, `${own} is longer than the run, which lasts ${run}`);
  }
  if (deadline > INTERVALS_MAX * interval) {
    const own = formatCycles(interval);
    throw fieldError(field, `${own} is too short: more than ${INTERVALS_MAX} in the run`);
  }
  if (window !== undefined && (window % interval !== 0 || window > WINDOW_MAX * interval)) {
    throw fieldError(
      ["operation", "window"],
      `expected 1 to ${WINDOW_MAX} whole intervals of ${formatCycles(interval)}`,
    );
  }
}

function checkSamples(samples: number, vm: string, pages: number): void {
  if (samples <= pages) return;
  throw fieldError(
    ["operation", "estimator", "samples"],
    `${samples} samples, but VM "${vm}" has ${pages} pages`,
  );
}
