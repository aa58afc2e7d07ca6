/** Working-set-size estimation: one estimation process in the pVM for each VM (VEE21 3.4). */
import { estimationMachine } from "../../../machines/estimation.ts";
import { estimatorMachine } from "../../../machines/estimator.ts";
import { formatCycles } from "../../config/units.ts";
import type { Problems } from "../../errors.ts";
import { itemAt } from "../../lookup.ts";
import type { OperationFactory } from "../operation.ts";
import {
  declareOperation,
  endsAtDeadline,
  type OperationSubject,
  ownsTrackers,
  PLAIN_NEEDS,
} from "./declaration.ts";
import { type EstimateResult, loadSeries, vmEstimate } from "./estimate/estimateResult.ts";
import { estimateTelling } from "./estimate/estimateTelling.ts";
import { type EstimateConfig, estimateSchema } from "./estimate/estimatorSchema.ts";
import {
  createEstimators,
  type EstimationPlan,
  estimateTechnique,
  estimationPlan,
  footprintOf,
  INTERVALS_MAX,
} from "./estimate/estimators.ts";

const LOOKS_IN_INTERVAL = 10;

export interface EstimatePlan {
  /** The estimator's kind: one of those that there are, or a user's. */
  readonly estimator: string;
  readonly estimation: EstimationPlan;
  /** Between two looks at the load of the pVM. */
  readonly loadCycles: number;
  /** End of the run; 0 = when the workloads have ended. */
  readonly deadlineCycles: number;
}

export function estimatePlan(
  config: EstimateConfig,
  subject: OperationSubject,
  problems: Problems,
): EstimatePlan {
  const { deadlineCycles } = subject;
  const estimation = estimationPlan(config, subject, problems);
  const usual = Math.ceil(estimation.intervalCycles / LOOKS_IN_INTERVAL);
  const { loadInterval: loadCycles = usual } = config;
  if (config.loadInterval !== undefined && deadlineCycles > INTERVALS_MAX * loadCycles) {
    problems.add(
      ["operation", "loadInterval"],
      `${formatCycles(loadCycles)} is too short: more than ${INTERVALS_MAX} in the run`,
    );
  }
  return { estimator: config.estimator.kind, estimation, loadCycles, deadlineCycles };
}

export function estimate(plan: EstimatePlan): OperationFactory {
  const { estimator, estimation, loadCycles, deadlineCycles } = plan;
  const footprintPages = footprintOf(estimation);
  return (world, host) => {
    const made = createEstimators(estimation, footprintPages, world, host);
    const { names, helpers, parts } = made;
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
      result: (actors): EstimateResult => {
        const main = actors.of("toolstack", estimationMachine);
        const reports = main.loads.flat();
        const last = (cpu: number) => reports.findLast((report) => report.cpu === cpu);
        const sum = (field: "handlerCycles" | "jobCycles"): number =>
          main.pvmCpus.reduce((total, cpu) => total + (last(cpu)?.[field] ?? 0), 0);
        return {
          kind: "estimate",
          failures: [],
          estimator,
          interval: estimation.intervalCycles,
          footprintPages,
          vms: made
            .findings()
            .map((findings, vm) =>
              vmEstimate(world, actors.of(itemAt(names, vm), estimatorMachine), findings),
            ),
          pvm: {
            load: loadSeries(main),
            handlerCycles: sum("handlerCycles"),
            processCycles: sum("jobCycles"),
          },
        };
      },
    };
  };
}

const KIND = "estimate";

export const estimateOperation = declareOperation({
  kind: KIND,
  schema: estimateSchema,
  needs: { ...PLAIN_NEEDS, technique: estimateTechnique },
  faults: [],
  estimator: ({ estimator }: EstimateConfig) => estimator.kind,
  file: null,
  comparison: null,
  resolve: estimatePlan,
  create: estimate,
  telling: estimateTelling,
  operator: { ...ownsTrackers(KIND), end: () => endsAtDeadline(KIND) },
});
