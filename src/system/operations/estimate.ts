/** Working-set-size estimation: one estimation process in the pVM for each VM (VEE21 3.4). */
import { type EstimationContext, estimationMachine } from "../../../machines/estimation.ts";
import { estimatorMachine } from "../../../machines/estimator.ts";
import type { EstimatorContext } from "../../../machines/estimatorContext.ts";
import { deriveSeed } from "../../../workloads/random.ts";
import { formatCycles } from "../../config/units.ts";
import { UserError } from "../../errors.ts";
import { type EstimatorRule, techniqueOf } from "../../hypervisor/wss/estimation.ts";
import { findKernelFootprint } from "../../hypervisor/wss/kernelFootprint.ts";
import type { Technique } from "../../interconnect/messages.ts";
import type { OperationActor, OperationFactory } from "../operation.ts";
import type { World } from "../world.ts";
import { EstimatorDevice } from "./estimate/device.ts";
import {
  DEFAULT_OMEGA,
  type EstimateConfig,
  type EstimatorConfig,
} from "./estimate/estimatorSchema.ts";
import { kernelLives } from "./estimate/kernelVm.ts";
import { type EstimateResult, loadSeries, vmEstimate } from "./estimate/result.ts";

export { type EstimateConfig, estimateSchema } from "./estimate/estimatorSchema.ts";
export type { EstimateResult } from "./estimate/result.ts";

/** Series are kept point by point: more than this is a mistake in a unit. */
const INTERVALS_MAX = 10_000;
const WINDOW_MAX = 1000;
const LOOKS_IN_INTERVAL = 10;

/** How VMs are tracked for an estimator. */
export function estimateTechnique({ estimator }: EstimateConfig): Technique {
  return techniqueOf(ruleOf(estimator, 0));
}

/**
 * @param deadlineCycles end of the run, 0 = when the workloads have ended
 * @param seed of the samples
 * @throws UserError if the parameters make no sense together
 */
export function estimate(
  config: EstimateConfig,
  deadlineCycles: number,
  seed: number,
): OperationFactory {
  const { estimator } = config;
  const intervalCycles = intervalOf(estimator);
  checkTimes(config, intervalCycles, deadlineCycles);
  const windowIntervals = (config.window ?? intervalCycles) / intervalCycles;
  const footprintPages = footprintOf(config.kernelFootprint);
  const loadCycles = config.loadInterval ?? Math.ceil(intervalCycles / LOOKS_IN_INTERVAL);
  return (world, host) => {
    const rules = world.vms.map(({ config: { pages, name } }) => {
      checkSamples(estimator, name, pages);
      return ruleOf(estimator, pages);
    });
    const devices = rules.map((rule, vm) => {
      const own = deriveSeed(seed, `${world.vms[vm]!.config.name}/estimator`);
      const settings = { rule, intervalCycles, windowIntervals, seed: own };
      return new EstimatorDevice(world, host, vm, settings);
    });
    const names = rules.map((_, vm) => `vm${vm}/estimator`);
    const helpers = rules.map((rule, vm): [string, OperationActor] => [
      names[vm]!,
      {
        machine: estimatorMachine,
        device: devices[vm]!,
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
          wakeCycles: world.config.tracking.costs.estimatorWake,
          scanCycles: world.config.tracking.costs.scanEntry,
        }),
      },
    ]);
    return {
      kind: "estimate",
      main: {
        machine: estimationMachine,
        device: null,
        input: ({ self, scheduler, helpers: estimators, pvmCpus }) => ({
          self,
          scheduler,
          estimators,
          pvmCpus,
          loadCycles,
          deadlineCycles,
        }),
      },
      helpers: Object.fromEntries(helpers),
      parts: devices.flatMap(({ parts }) => parts),
      result: (contexts): EstimateResult => {
        const main = contexts["toolstack"] as EstimationContext;
        const load = loadSeries(main);
        const last = (cpu: number) => main.loads.findLast((report) => report.cpu === cpu);
        const sum = (field: "handlerCycles" | "jobCycles"): number =>
          main.pvmCpus.reduce((total, cpu) => total + (last(cpu)?.[field] ?? 0), 0);
        return {
          kind: "estimate",
          failures: [],
          estimator: estimator.kind,
          interval: intervalCycles,
          footprintPages,
          vms: names.map((name) => vmEstimate(world, contexts[name] as EstimatorContext)),
          pvm: { load, handlerCycles: sum("handlerCycles"), processCycles: sum("jobCycles") },
        };
      },
    };
  };
}

function bitmapWords(world: World, vm: number): number {
  return Math.ceil(world.vms[vm]!.tracked.dirty.pages / 32);
}

function intervalOf(estimator: EstimatorConfig): number {
  switch (estimator.kind) {
    case "prl":
      return estimator.mu;
    case "vmware":
      return estimator.interval ?? estimator.period;
    default:
      return estimator.interval;
  }
}

function ruleOf(estimator: EstimatorConfig, vmPages: number): EstimatorRule {
  switch (estimator.kind) {
    case "prl": {
      const { tau, threshold, mu, loop, follow, continueWhenStable } = estimator;
      const omega = loop === "dw19" ? mu : (estimator.omega ?? DEFAULT_OMEGA);
      return {
        kind: "prl",
        least: threshold === "more-than" ? tau + 1 : tau,
        stableIntervals: omega / mu,
        follow,
        generationIntervals: (estimator.generation ?? omega) / mu,
        continueWhenStable,
      };
    }
    case "pml":
      return { kind: "pml", clean: estimator.clean };
    case "vmware": {
      const { samples, averages, period } = estimator;
      const looksPerPeriod = period / intervalOf(estimator);
      return { kind: "vmware", samples, vmPages, looksPerPeriod, gains: averages ?? null };
    }
    default:
      return { kind: estimator.kind };
  }
}

function footprintOf(config: EstimateConfig["kernelFootprint"]): number {
  if (config === undefined) return 0;
  if (typeof config === "number") return config;
  const { needs, from } = config;
  const found = findKernelFootprint((pages) => kernelLives(needs, pages), from);
  if (found === null) {
    throw new UserError(
      `operation.kernelFootprint: the kernel needs ${needs} pages, and the VM begins with ${from}`,
    );
  }
  return found;
}

function checkTimes(
  { estimator, window, loadInterval }: EstimateConfig,
  interval: number,
  deadline: number,
): void {
  const name = estimator.kind === "prl" ? "mu" : "interval";
  const field = `operation.estimator.${name}`;
  if (deadline > 0 && interval > deadline) {
    const [own, run] = [formatCycles(interval), formatCycles(deadline)];
    throw new UserError(`${field}: ${own} is longer than the run, which lasts ${run}`);
  }
  const shortest = Math.min(interval, loadInterval ?? interval);
  if (deadline > INTERVALS_MAX * shortest) {
    const which = shortest === interval ? field : "operation.loadInterval";
    throw new UserError(
      `${which}: ${formatCycles(shortest)} is too short: more than ${INTERVALS_MAX} in the run`,
    );
  }
  if (window !== undefined && (window % interval !== 0 || window > WINDOW_MAX * interval)) {
    throw new UserError(
      `operation.window: expected 1 to ${WINDOW_MAX} whole intervals of ${formatCycles(interval)}`,
    );
  }
}

function checkSamples(estimator: EstimatorConfig, vm: string, pages: number): void {
  if (estimator.kind !== "vmware" || estimator.samples <= pages) return;
  throw new UserError(
    `operation.estimator.samples: ${estimator.samples} samples, but VM "${vm}" has ${pages} pages`,
  );
}
