/** All experiments, in the order of the report. */
import { nearest } from "../config/nearest.ts";
import { UserError } from "../errors.ts";
import { accuracyExperiment } from "./accuracy.ts";
import { checkpointingExperiment } from "./checkpointing.ts";
import { energyExperiment } from "./energy.ts";
import { estimatorSweepExperiment } from "./estimatorSweep.ts";
import type { Experiment } from "./experiment.ts";
import { migrationExperiment } from "./migration.ts";
import { migrationTechniquesExperiment } from "./migrationTechniques.ts";
import { missedGpasExperiment } from "./missedGpas.ts";
import { overcommitmentExperiment } from "./overcommitment.ts";
import { parsecExperiment } from "./parsec.ts";
import { pmlLimitsExperiment } from "./pmlLimits.ts";
import { presentBitExperiment } from "./presentBit.ts";
import { prlCostExperiment } from "./prlCost.ts";
import { prlDesignExperiment } from "./prlDesign.ts";
import { pvmLoadExperiment } from "./pvmLoad.ts";
import { snapshotsExperiment } from "./snapshots.ts";
import { unitsExperiment } from "./units.ts";
import { wssOverheadExperiment } from "./wssOverhead.ts";

export const EXPERIMENTS: readonly Experiment[] = [
  energyExperiment,
  migrationExperiment,
  checkpointingExperiment,
  wssOverheadExperiment,
  pmlLimitsExperiment,
  accuracyExperiment,
  parsecExperiment,
  missedGpasExperiment,
  pvmLoadExperiment,
  presentBitExperiment,
  prlCostExperiment,
  prlDesignExperiment,
  estimatorSweepExperiment,
  migrationTechniquesExperiment,
  overcommitmentExperiment,
  unitsExperiment,
  snapshotsExperiment,
];

/**
 * The experiments of a name; "all": every one.
 * @throws UserError with the nearest name
 */
export function experimentsNamed(name: string): readonly Experiment[] {
  if (name === "all") return EXPERIMENTS;
  const found = EXPERIMENTS.filter((experiment) => experiment.name === name);
  if (found.length > 0) return found;
  const names = [...EXPERIMENTS.map((experiment) => experiment.name), "all"];
  throw new UserError(
    `no experiment is called "${name}"${nearest(name, names)} (experiments: ${names.join(", ")})`,
  );
}
