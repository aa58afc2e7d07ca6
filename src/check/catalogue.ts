/** The models that can be checked, by name, with their parameters. */
import { nearest } from "../config/nearest.ts";
import { UserError } from "../errors.ts";
import type { Technique } from "../interconnect/messages.ts";
import type { System } from "../system/system.ts";
import type { World } from "../system/world.ts";
import type { Model } from "./engine/model.ts";
import {
  type CheckpointModelOptions,
  checkpointModel,
  checkpointSystem,
} from "./models/checkpoint.ts";
import { type EstimateModelOptions, estimateModel, estimateSystem } from "./models/estimate.ts";
import { type MigrationOptions, migrationModel, migrationSystem } from "./models/migration.ts";
import { operatorCommands } from "./models/operatorCommands.ts";
import { smallSystem } from "./models/smallSystem.ts";
import { type TrackingOptions, trackingModel } from "./models/tracking.ts";
import { twoPhaseCommit } from "./models/twoPhaseCommit.ts";
import { MUTATIONS } from "./mutations/all.ts";
import type { Mutation } from "./mutations/mutation.ts";

export interface Parameter {
  readonly name: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly what: string;
}

type Values = Readonly<Record<string, number>>;

export interface ModelEntry {
  readonly name: string;
  readonly what: string;
  readonly parameters: readonly Parameter[];
  readonly build: (values: Values, mutation: Mutation | null, debug: boolean) => Model;
  /** The running system that the model explores, newly built; null for models of other machines. */
  readonly system: ((values: Values, mutation: Mutation | null) => System) | null;
}

/** What is to be checked: enough to build it again. */
export interface CheckTarget {
  readonly model: string;
  readonly set: Values;
  readonly mutation: string | null;
}

interface TrackingEntry {
  readonly name: string;
  readonly what: string;
  readonly technique: Technique;
  /** vCPUs of each VM. */
  readonly vcpus: readonly number[];
  readonly pages: number;
  readonly logEntries: number;
  readonly reads: 0 | 1;
  /** Default 1. */
  readonly harvests?: 0 | 1;
  readonly more?: Partial<TrackingOptions>;
}

const TRACKING: readonly TrackingEntry[] = [
  {
    name: "pml",
    what: "PML on one vCPU",
    technique: "pml",
    vcpus: [1],
    pages: 3,
    logEntries: 2,
    reads: 1,
  },
  {
    name: "operator",
    what: "PML, and a person who harvests, switches trackers and holds a vCPU",
    technique: "pml",
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 0,
    harvests: 0,
    more: { commands: operatorCommands(1, ["pml", "writeProtect"]) },
  },
  {
    name: "pml-two-vcpus",
    what: "PML on two vCPUs that share their entries",
    technique: "pml",
    vcpus: [2],
    pages: 2,
    logEntries: 1,
    reads: 0,
  },
  {
    name: "prl",
    what: "PRL on one vCPU",
    technique: "prl",
    vcpus: [1],
    pages: 3,
    logEntries: 2,
    reads: 1,
  },
  {
    name: "prl-two-logs",
    what: "PRL with two logs for each vCPU",
    technique: "prl",
    vcpus: [1],
    pages: 4,
    logEntries: 2,
    reads: 0,
    more: { doubleBuffer: true },
  },
  {
    name: "prl-two-vms",
    what: "PRL with two VMs on one pVM CPU",
    technique: "prl",
    vcpus: [1, 1],
    pages: 3,
    logEntries: 2,
    reads: 0,
    harvests: 0,
  },
  {
    name: "write-protection",
    what: "write protection and the INVEPT handshake on one vCPU",
    technique: "writeProtect",
    vcpus: [1],
    pages: 3,
    logEntries: 1,
    reads: 1,
  },
  {
    name: "write-protection-two-vcpus",
    what: "the same on two vCPUs",
    technique: "writeProtect",
    vcpus: [2],
    pages: 2,
    logEntries: 1,
    reads: 0,
  },
  {
    name: "present-bit",
    what: "present-bit invalidation on one vCPU",
    technique: "presentBit",
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 1,
  },
  {
    name: "accessed-dirty-scan",
    what: "scanning A and D flags on one vCPU",
    technique: "accessedDirtyScan",
    vcpus: [1],
    pages: 3,
    logEntries: 1,
    reads: 1,
  },
  {
    name: "dirty-ring",
    what: "KVM's dirty ring, fed by write protection",
    technique: "dirtyRing",
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 1,
    more: { ringEntries: 4, ringReserved: 2 },
  },
  {
    name: "dirty-ring-two-vcpus",
    what: "the same on two vCPUs: INVEPT while a guest runs",
    technique: "dirtyRing",
    vcpus: [2],
    pages: 2,
    logEntries: 1,
    reads: 0,
    harvests: 0,
    more: { ringEntries: 4, ringReserved: 2 },
  },
  {
    name: "dirty-ring-pml",
    what: "KVM's dirty ring, fed by PML",
    technique: "dirtyRing",
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 1,
    more: { ringEntries: 4, ringReserved: 1, ringFromPml: true },
  },
];

function trackingEntry(entry: TrackingEntry): ModelEntry {
  const { technique, vcpus } = entry;
  const options = (values: Values, mutation: Mutation | null): TrackingOptions => ({
    technique,
    vcpus,
    pages: values["pages"]!,
    logEntries: values["log"]!,
    eptLevels: values["levels"]!,
    reads: values["reads"] === 1,
    harvests: values["harvests"] === 1,
    ...entry.more,
    ...faultsOf(mutation),
  });
  return {
    name: entry.name,
    what: entry.what,
    parameters: [
      ...geometry(entry.pages, entry.logEntries, entry.reads),
      {
        name: "harvests",
        value: entry.harvests ?? 1,
        min: 0,
        max: 1,
        what: "1: harvests at any moment; 0: one at the end",
      },
    ],
    build: (values, mutation, debug) =>
      trackingModel(entry.name, { ...options(values, mutation), debug }),
    system: (values, mutation) => smallSystem(options(values, mutation)),
  };
}

function geometry(pages: number, log: number, reads: 0 | 1): readonly Parameter[] {
  return [
    { name: "pages", value: pages, min: 1, max: 4, what: "pages of each VM" },
    { name: "log", value: log, min: 1, max: 3, what: "entries of a log" },
    { name: "levels", value: 1, min: 1, max: 3, what: "levels of the EPT" },
    { name: "reads", value: reads, min: 0, max: 1, what: "1: guests read as well as write" },
  ];
}

function faultsOf(mutation: Mutation | null): Partial<TrackingOptions> {
  return {
    ...(mutation?.trackerFault === undefined ? {} : { faults: [mutation.trackerFault] }),
    ...(mutation?.replace === undefined
      ? {}
      : {
          replace: (name, parts, world: () => World) => mutation.replace!(name, parts, world),
        }),
  };
}

const migration: ModelEntry = {
  name: "migration",
  what: "a live migration of one VM under PML",
  parameters: [
    ...geometry(2, 1, 0),
    { name: "aborts", value: 1, min: 0, max: 1, what: "1: the operator may abort" },
  ],
  build: (values, mutation, debug) =>
    migrationModel("migration", { ...migrationOptions(values, mutation), debug }),
  system: (values, mutation) => migrationSystem(migrationOptions(values, mutation)),
};

function migrationOptions(values: Values, mutation: Mutation | null): MigrationOptions {
  const fault = mutation?.operationFault;
  return {
    technique: "pml",
    vcpus: [1],
    pages: values["pages"]!,
    logEntries: values["log"]!,
    eptLevels: values["levels"]!,
    reads: values["reads"] === 1,
    aborts: values["aborts"] === 1,
    ...(fault === undefined ? {} : { operationFaults: [fault] }),
    ...faultsOf(mutation),
  };
}

function checkpointEntry(
  name: string,
  what: string,
  mode: "live" | "stop",
  more: readonly Parameter[],
): ModelEntry {
  const options = (values: Values, mutation: Mutation | null): CheckpointModelOptions => ({
    technique: mode === "live" ? "pml" : "none",
    vcpus: [1],
    pages: values["pages"]!,
    logEntries: values["log"]!,
    eptLevels: values["levels"]!,
    reads: values["reads"] === 1,
    mode,
    times: values["times"] ?? 0,
    inPlace: mutation?.storageFault === "writesInPlace",
    ...faultsOf(mutation),
  });
  return {
    name,
    what,
    parameters: [...geometry(2, 1, 0), ...more],
    build: (values, mutation, debug) =>
      checkpointModel(name, { ...options(values, mutation), debug }),
    system: (values, mutation) => checkpointSystem(options(values, mutation)).system,
  };
}

const checkpoints: readonly ModelEntry[] = [
  checkpointEntry("checkpoint", "live checkpoints of one VM under PML, epoch by epoch", "live", []),
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
    pages: values["pages"]!,
    logEntries: values["log"]!,
    eptLevels: values["levels"]!,
    reads: values["reads"] === 1,
    estimator,
    ...faultsOf(mutation),
  });
  return {
    name,
    what,
    parameters: geometry(2, 1, reads),
    build: (values, mutation, debug) =>
      estimateModel(name, { ...options(values, mutation), debug }),
    system: (values, mutation) => estimateSystem(options(values, mutation)),
  };
}

const estimates: readonly ModelEntry[] = [
  estimateEntry("estimate-prl", "an estimation with PRL: armed, looked at, disarmed", "prl", 1),
  estimateEntry("estimate-pml", "an estimation with PML: a CLEAN each interval", "pml", 0),
];

const commit: ModelEntry = {
  name: "two-phase-commit",
  what: "two-phase commit, to compare with other checkers",
  parameters: [{ name: "managers", value: 3, min: 1, max: 10, what: "resource managers" }],
  build: (values) => twoPhaseCommit(values["managers"]!),
  system: null,
};

export const MODELS: readonly ModelEntry[] = [
  ...TRACKING.map(trackingEntry),
  migration,
  ...checkpoints,
  ...estimates,
  commit,
];

/** @throws UserError, with the nearest name, if there is none of this name */
export function modelNamed(name: string): ModelEntry {
  const found = MODELS.find((model) => model.name === name);
  if (found !== undefined) return found;
  const names = MODELS.map((model) => model.name);
  throw new UserError(
    `there is no model "${name}"${nearest(name, names)}; models: ${names.join(", ")}`,
  );
}

/** @throws UserError if there is no such planted fault, or it is of another model */
export function mutationNamed(name: string, model: string): Mutation {
  const found = MUTATIONS.find((mutation) => mutation.name === name);
  const names = MUTATIONS.filter((one) => one.model === model).map((one) => one.name);
  if (found?.model === model) return found;
  if (found !== undefined) {
    throw new UserError(`the fault "${name}" is of model ${found.model}, not of ${model}`);
  }
  throw new UserError(`there is no fault "${name}"${nearest(name, names)}`);
}

/** Values of all parameters. @throws UserError for names and values that the model does not have */
export function valuesOf({ name, parameters }: ModelEntry, set: Values): Values {
  for (const [key, value] of Object.entries(set)) {
    const parameter = parameters.find((one) => one.name === key);
    if (parameter === undefined) {
      const names = parameters.map((one) => one.name);
      throw new UserError(
        `model ${name} has no parameter "${key}"${nearest(key, names)}; it has ${names.join(", ")}`,
      );
    }
    const { min, max } = parameter;
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new UserError(`${key}: expected a whole number from ${min} to ${max}`);
    }
  }
  return Object.fromEntries(parameters.map((one) => [one.name, set[one.name] ?? one.value]));
}

/** Builds the model of a target. @throws UserError if there is no such model, parameter or fault */
export function buildModel({ model, set, mutation }: CheckTarget, debug = false): Model {
  const entry = modelNamed(model);
  const fault = mutation === null ? null : mutationNamed(mutation, model);
  return entry.build(valuesOf(entry, { ...fault?.set, ...set }), fault, debug);
}

/** Builds the system of a target, newly, to run it. @throws UserError as buildModel does */
export function buildTargetSystem({ model, set, mutation }: CheckTarget): System | null {
  const entry = modelNamed(model);
  const fault = mutation === null ? null : mutationNamed(mutation, model);
  return entry.system?.(valuesOf(entry, { ...fault?.set, ...set }), fault) ?? null;
}
