/** The models that can be checked, by name, with their parameters. */
import { nearest } from "../config/nearest.ts";
import { UserError } from "../errors.ts";
import { fieldOf } from "../lookup.ts";
import type { System } from "../system/system.ts";
import { CALLS } from "./callModels.ts";
import type { Model } from "./engine/model.ts";
import type { ModelEntry, Values } from "./modelEntry.ts";
import { fileFault, isModelFile, loadedModel } from "./modelFile.ts";
import { twoPhaseCommit } from "./models/twoPhaseCommit.ts";
import { MUTATIONS } from "./mutations/all.ts";
import type { Mutation } from "./mutations/mutation.ts";
import { OPERATIONS } from "./operationModels.ts";
import { TRACKING } from "./trackingModels.ts";

/** What is to be checked: enough to build it again. */
export interface CheckTarget {
  readonly model: string;
  readonly set: Values;
  readonly mutation: string | null;
}

const commit: ModelEntry = {
  name: "two-phase-commit",
  what: "two-phase commit, to compare with other checkers",
  parameters: [{ name: "managers", value: 3, min: 1, max: 10, what: "resource managers" }],
  build: (values) => twoPhaseCommit(fieldOf(values, "managers")),
  system: null,
};

export const MODELS: readonly ModelEntry[] = [...TRACKING, ...OPERATIONS, ...CALLS, commit];

/**
 * A model by its name, or by its file, which was loaded before (modelFile.ts).
 * @throws UserError, with the nearest name, if there is none of this name
 */
export function modelNamed(name: string): ModelEntry {
  const file = isModelFile(name) ? loadedModel(name) : null;
  if (file !== null) return file.entry;
  const found = MODELS.find((model) => model.name === name);
  if (found !== undefined) return found;
  const names = MODELS.map((model) => model.name);
  throw new UserError(
    `there is no model "${name}"${nearest(name, names)}; models: ${names.join(", ")}`,
  );
}

/** The planted faults of a model. */
export function mutationsOf(model: string): readonly Mutation[] {
  const file = isModelFile(model) ? loadedModel(model) : null;
  return file?.faults ?? MUTATIONS.filter((mutation) => mutation.model === model);
}

/** @throws UserError if there is no such planted fault, or it is of another model */
export function mutationNamed(name: string, model: string): Mutation {
  const file = isModelFile(model) ? loadedModel(model) : null;
  if (file !== null) return fileFault(name, file);
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
export function buildModel({ model, set, mutation }: CheckTarget): Model {
  const entry = modelNamed(model);
  const fault = mutation === null ? null : mutationNamed(mutation, model);
  return entry.build(valuesOf(entry, { ...fault?.set, ...set }), fault);
}

/** Builds the system of a target, newly, to run it. @throws UserError as buildModel does */
export function buildTargetSystem({ model, set, mutation }: CheckTarget): System | null {
  const entry = modelNamed(model);
  const fault = mutation === null ? null : mutationNamed(mutation, model);
  return entry.system?.(valuesOf(entry, { ...fault?.set, ...set }), fault) ?? null;
}
