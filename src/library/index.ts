/**
 * Trackvisor as a library: `import { loadScenario, runScenario } from "trackvisor"` (docs/library.md).
 *
 * What stands here is what stays: a name goes, or changes what it means, with a new major version alone. All
 * times are in cycles of virtual time unless a field says otherwise (CYCLES_PER_SECOND), all amounts of
 * memory in pages of 4 KiB. A mistake in what is given is a UserError of one line. To check machines of your
 * own: `trackvisor/check`.
 */

export { Generator } from "../../workloads/generators/generator.ts";
export type { Workload } from "../../workloads/workload.ts";
export type { OwnWorkload, OwnWorkloadConfig } from "../../workloads/workloadKinds.ts";
export type { CheckReport, SearchOrder } from "../check/checkRun.ts";
export { ModelError } from "../check/engine/modelError.ts";
export { CYCLES_PER_SECOND } from "../config/units.ts";
export { VERSION } from "../config/version.ts";
export { FieldError, UserError } from "../errors.ts";
export type { OwnTrackedVm, OwnTracker } from "../hypervisor/techniques/own.ts";
export type { OwnEstimate, OwnEstimator, OwnLook } from "../hypervisor/wss/estimators/own.ts";
export type { Advice } from "../questions/advise/advice.ts";
export type { Question } from "../questions/advise/subject.ts";
export type { ComparisonRow } from "../questions/compare.ts";
export type { FleetReport } from "../questions/fleet/fleetFormat.ts";
export type { Measures } from "../questions/measures.ts";
export type { SweepResult } from "../questions/sweep/result.ts";
export type { RunProgress } from "../runs/pool.ts";
export { type LoadedScenario, shippedScenarios } from "../runs/scenarioFile.ts";
export type { AnyResult } from "../system/operations/all.ts";
export {
  registerEstimator,
  registerTracker,
  registerUnit,
  registerWorkload,
  type Scenario,
} from "../system/scenarioSchema.ts";
export type { RunSummary } from "../system/summary.ts";
export type { OwnUnit } from "../units/own.ts";
export { type AdviceSettings, advise } from "./advise.ts";
export { type Checked, type CheckSettings, check } from "./check.ts";
export { type Comparison, type ComparisonSettings, compare } from "./compare.ts";
export { type FleetSettings, fleet } from "./fleet.ts";
export {
  type Difference,
  type LoggedMessage,
  MessageLog,
  openLog,
  type Replayed,
  type ReplaySettings,
} from "./log.ts";
export { importModule } from "./modules.ts";
export { type RunSettings, runScenario } from "./run.ts";
export {
  type Fields,
  loadScenario,
  type ScenarioFields,
  type ScenarioSettings,
  type ScenarioSource,
} from "./scenario.ts";
export { type SweepSettings, sweep } from "./sweep.ts";
