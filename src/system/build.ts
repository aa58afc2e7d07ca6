/** From a scenario to a system that is ready to run: resolved to a plan, held against this computer's memory, built. */
import { totalmem } from "node:os";
import { Problems } from "../errors.ts";
import type { LogicKind } from "./actors.ts";
import { configured } from "./operations/all.ts";
import type { CheckpointSink } from "./operations/checkpoint/sink.ts";
import { checkBudget } from "./scenario/budget.ts";
import { resolveScenario, type ScenarioPlan } from "./scenario/resolve.ts";
import type { Scenario } from "./scenarioSchema.ts";
import { System } from "./system.ts";

export interface BuildOptions {
  /** Where relative names of trace files start. */
  readonly directory?: string;
  readonly logic?: LogicKind;
  /**
   * Where the checkpoints of a checkpoint scenario go; default: memory. What a scenario names is not opened
   * here: only whoever was told so by a person opens a file for writing.
   */
  readonly checkpointSink?: CheckpointSink | undefined;
}

/**
 * A scenario as a plan that this computer has the memory for.
 * @throws FieldError with everything that is wrong with it
 */
export function planScenario(scenario: Scenario, directory?: string): ScenarioPlan {
  const plan = resolveScenario(scenario, directory);
  const problems = new Problems();
  checkBudget(plan, totalmem(), problems);
  problems.refuse();
  return plan;
}

/** Builds what is planned. There is nothing left to refuse. */
export function buildPlan(
  { system, operation }: ScenarioPlan,
  { logic, checkpointSink }: Omit<BuildOptions, "directory"> = {},
): System {
  return new System({ ...system, operation: operation({ sink: checkpointSink ?? null }) }, logic);
}

/** Goes the whole way. @throws FieldError with everything that is wrong with the scenario */
export function buildSystem(scenario: Scenario, options: BuildOptions = {}): System {
  return buildPlan(planScenario(scenario, options.directory), options);
}

/** What a run of a scenario is compared with, such as the same on a host with enough memory; null: with nothing. */
export function referenceScenario(scenario: Scenario, system: System): Scenario | null {
  const { operation, faults } = scenario;
  const memory = system.config.world.vms.reduce((sum, { pages }) => sum + pages, 0);
  const other = configured(operation, faults).comparedWith(memory);
  return other === null ? null : { ...scenario, operation: other };
}
