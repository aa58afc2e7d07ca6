/** All kinds of operations: their configuration, and how to make one. */
import * as z from "zod";
import { addEstimator } from "../../hypervisor/wss/estimators/all.ts";
import type { OwnEstimator } from "../../hypervisor/wss/estimators/own.ts";
import type { Technique } from "../../interconnect/messages.ts";
import type { OperationFactory, OperationFault } from "../operation.ts";
import { type CheckpointSurroundings, checkpoint, checkpointSchema } from "./checkpoint.ts";
import { estimateTechnique } from "./estimate/estimators.ts";
import { estimate, estimateSchema } from "./estimate.ts";
import { measure, measureSchema } from "./measure.ts";
import { migrate, migrateSchema } from "./migrate.ts";
import { overcommit, overcommitSchema } from "./overcommit.ts";
import { session, sessionSchema } from "./session.ts";

function unionOf() {
  return z
    .discriminatedUnion("kind", [
      measureSchema,
      migrateSchema,
      checkpointSchema,
      estimateSchema(),
      overcommitSchema(),
      sessionSchema,
    ])
    .describe("what the toolstack does with the VMs");
}

/** Of all kinds. Another one once an estimator was registered: importers see the present one. */
export let operationSchema = unionOf();

/** From now on `estimator` takes this kind. @throws UserError if the name is taken, or it is none */
export function addOperationEstimator(own: OwnEstimator): void {
  addEstimator(own);
  operationSchema = unionOf();
}

export type OperationConfig = z.output<typeof operationSchema>;

/**
 * @param deadlineCycles the scenario's `until`, 0 if it has none
 * @param faults the scenario's, those that are an operation's
 * @param surroundings what a checkpoint file says of the scenario
 * @param seed the scenario's
 */
export function createOperation(
  config: OperationConfig,
  deadlineCycles: number,
  faults: readonly OperationFault[],
  surroundings: CheckpointSurroundings = {},
  seed = 1,
): OperationFactory {
  switch (config.kind) {
    case "measure":
      return measure(config, deadlineCycles);
    case "migrate":
      return migrate(config, deadlineCycles, faults);
    case "checkpoint":
      return checkpoint(config, deadlineCycles, surroundings);
    case "estimate":
      return estimate(config, deadlineCycles, seed);
    case "overcommit":
      return overcommit(config, deadlineCycles, faults, seed);
    case "session":
      return session(config, deadlineCycles, faults, surroundings, seed);
  }
}

/** How the VMs are tracked: as the scenario says, unless the operation decides it. */
export function operationTechnique(config: OperationConfig, scenarios: Technique): Technique {
  return estimates(config) ? estimateTechnique(config) : scenarios;
}

/** Whether the operation estimates working sets, and so decides how the VMs are tracked. */
export function estimates(
  config: OperationConfig,
): config is Extract<OperationConfig, { kind: "estimate" | "overcommit" }> {
  return config.kind === "estimate" || config.kind === "overcommit";
}

/** Whether an operation moves or stores what pages contain, so that the VMs must keep it. */
export function needsContents({ kind }: OperationConfig): boolean {
  return kind === "migrate" || kind === "checkpoint" || kind === "session";
}
