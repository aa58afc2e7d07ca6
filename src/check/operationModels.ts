/** The models of what a toolstack does with tracked VMs: migrations, checkpoints, estimations. */
import {
  faultsOf,
  geometry,
  type ModelEntry,
  type Parameter,
  sizesOf,
  type Values,
} from "./modelEntry.ts";
import {
  type CheckpointModelOptions,
  checkpointModel,
  checkpointSystem,
} from "./models/checkpoint.ts";
import { type EstimateModelOptions, estimateModel, estimateSystem } from "./models/estimate.ts";
import { type MigrationOptions, migrationModel, migrationSystem } from "./models/migration.ts";
import type { Mutation } from "./mutations/mutation.ts";

function migrationEntry(
  name: string,
  what: string,
  own: readonly Parameter[],
  policyOf: (values: Values) => MigrationOptions["policy"],
  technique: "pml" | "writeProtect" = "pml",
): ModelEntry {
  const options = (values: Values, mutation: Mutation | null): MigrationOptions => {
    const fault = mutation?.operationFault;
    return {
      technique,
      vcpus: [1],
      ...sizesOf(values),
      // A large leaf stands above the last level.
      eptLevels: Math.max(values["levels"]!, values["leaf"]!),
      leafLevel: values["leaf"] === 2 ? 2 : 1,
      aborts: values["aborts"] === 1,
      linkFails: values["fails"] === 1,
      policy: policyOf(values),
      ...(fault === undefined ? {} : { operationFaults: [fault] }),
      ...faultsOf(mutation),
    };
  };
  return {
    name,
    what,
    parameters: [
      ...geometry(2, 1, 0),
      { name: "leaf", value: 1, min: 1, max: 2, what: "2: large leaves, split at the first write" },
      { name: "aborts", value: 1, min: 0, max: 1, what: "1: the operator may abort" },
      { name: "fails", value: 1, min: 0, max: 1, what: "1: the link may fail" },
      ...own,
    ],
    build: (values, mutation) => migrationModel(name, options(values, mutation)),
    system: (values, mutation) => migrationSystem(options(values, mutation)),
  };
}

const migrations: readonly ModelEntry[] = [
  migrationEntry(
    "migration",
    "a live migration of one VM under PML, by libxc's policy: one live round, as so few pages are dirty",
    [],
    () => ({ kind: "libxc" }),
  ),
  migrationEntry(
    "migration-rounds",
    "the same by QEMU's policy with no downtime to spare: live rounds with harvests between them",
    [{ name: "rounds", value: 3, min: 1, max: 5, what: "live rounds at most (maxRounds)" }],
    // Without time no bandwidth is measured, and nothing but an empty queue is little enough.
    (values) => ({ kind: "qemu", downtimeLimit: "1 cycles", maxRounds: values["rounds"]! }),
  ),
  migrationEntry(
    "migration-write-protection",
    "a live migration of one VM under write protection, by libxc's policy",
    [],
    () => ({ kind: "libxc" }),
    "writeProtect",
  ),
];

function checkpointEntry(
  name: string,
  what: string,
  mode: "live" | "stop",
  more: readonly Parameter[],
  technique: "pml" | "writeProtect" = "pml",
): ModelEntry {
  const options = (values: Values, mutation: Mutation | null): CheckpointModelOptions => ({
    technique: mode === "live" ? technique : "none",
    vcpus: [1],
    ...sizesOf(values),
    mode,
    times: values["times"] ?? 0,
    inPlace: mutation?.storageFault === "writesInPlace",
    ...faultsOf(mutation),
  });
  return {
    name,
    what,
    parameters: [...geometry(2, 1, 0), ...more],
    build: (values, mutation) => checkpointModel(name, options(values, mutation)),
    system: (values, mutation) => checkpointSystem(options(values, mutation)).system,
  };
}

const checkpoints: readonly ModelEntry[] = [
  checkpointEntry("checkpoint", "live checkpoints of one VM under PML, epoch by epoch", "live", []),
  checkpointEntry(
    "checkpoint-write-protection",
    "live checkpoints of one VM under write protection",
    "live",
    [],
    "writeProtect",
  ),
  checkpointEntry("checkpoint-stop", "stop-and-copy checkpoints of one VM", "stop", [
    { name: "times", value: 2, min: 1, max: 3, what: "checkpoints taken" },
  ]),
];

function estimateEntry(
  name: string,
  what: string,
  estimator: EstimateModelOptions["estimator"],
  reads: 0 | 1,
): ModelEntry {
  const options = (values: Values, mutation: Mutation | null): EstimateModelOptions => ({
    technique: estimator === "prl" ? "prl" : "pml",
    vcpus: [1],
    ...sizesOf(values),
    estimator,
    ...faultsOf(mutation),
  });
  return {
    name,
    what,
    // Of a PRL log of one entry VEE21's slot rule uses none.
    parameters: geometry(2, estimator === "prl" ? 2 : 1, reads),
    build: (values, mutation) => estimateModel(name, options(values, mutation)),
    system: (values, mutation) => estimateSystem(options(values, mutation)),
  };
}

const estimates: readonly ModelEntry[] = [
  estimateEntry("estimate-prl", "an estimation with PRL: armed, looked at, disarmed", "prl", 1),
  estimateEntry("estimate-pml", "an estimation with PML: a CLEAN each interval", "pml", 0),
];

export const OPERATIONS: readonly ModelEntry[] = [...migrations, ...checkpoints, ...estimates];
