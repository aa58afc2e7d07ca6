/** Working-set-size estimation: one estimation process in the pVM for each VM (VEE21 3.4). */
import { type EstimationContext, estimationMachine } from "../../../machines/estimation.ts";
import type { EstimatorContext } from "../../../machines/estimatorContext.ts";
import { formatCycles } from "../../config/units.ts";
import { fieldError } from "../../errors.ts";
import type { OperationFactory } from "../operation.ts";
import type { EstimateConfig } from "./estimate/estimatorSchema.ts";
import { INTERVALS_MAX, prepareEstimation } from "./estimate/estimators.ts";
import { type EstimateResult, loadSeries, vmEstimate } from "./estimate/result.ts";

export { type EstimateConfig, estimateSchema } from "./estimate/estimatorSchema.ts";
export type { EstimateResult } from "./estimate/result.ts";

const LOOKS_IN_INTERVAL = 10;

/**
 * @param deadlineCycles end of the run, 0 = when the workloads have ended
 * @param seed of the samples
 * @throws FieldError if the parameters make no sense together
 */
export function estimate(
  config: EstimateConfig,
  deadlineCycles: number,
  seed: number,
): OperationFactory {
  const estimation = prepareEstimation(config, deadlineCycles, seed);
  const { intervalCycles, footprintPages } = estimation;
  const loadCycles = config.loadInterval ?? Math.ceil(intervalCycles / LOOKS_IN_INTERVAL);
  if (config.loadInterval !== undefined && deadlineCycles > INTERVALS_MAX * loadCycles) {
    throw fieldError(
      ["operation", "loadInterval"],
      `${formatCycles(loadCycles)} is too short: more than ${INTERVALS_MAX} in the run`,
    );
  }
  return (world, host) => {
    const { names, helpers, parts } = estimation.estimators(world, host);
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
      helpers,
      parts,
      result: (contexts): EstimateResult => {
        const main = contexts["toolstack"] as EstimationContext;
        const load = loadSeries(main);
        const last = (cpu: number) => main.loads.findLast((report) => report.cpu === cpu);
        const sum = (field: "handlerCycles" | "jobCycles"): number =>
          main.pvmCpus.reduce((total, cpu) => total + (last(cpu)?.[field] ?? 0), 0);
        return {
          kind: "estimate",
          failures: [],
          estimator: config.estimator.kind,
          interval: intervalCycles,
          footprintPages,
          vms: names.map((name) => vmEstimate(world, contexts[name] as EstimatorContext)),
          pvm: { load, handlerCycles: sum("handlerCycles"), processCycles: sum("jobCycles") },
        };
      },
    };
  };
}
