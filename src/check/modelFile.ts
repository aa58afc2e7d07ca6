/**
 * Models of other people from their own files: `trackvisor check ./my-model.ts`. A file exports, by default, a
 * model, a function that builds one, or a ModelFile with parameters and planted faults.
 */
import { resolve } from "node:path";
import * as xstate from "xstate";
import { nearest } from "../config/nearest.ts";
import { UserError } from "../errors.ts";
import { kindOfFile } from "../io/inputFile.ts";
import { hasOwn, loadUserModule } from "../io/userModule.ts";
import { isRecord } from "../lookup.ts";
import type { FileParameter, ModelFile } from "./actors/modelFileSpec.ts";
import { refuseUnknown } from "./actors/validate.ts";
import { Channel } from "./engine/channel.ts";
import { canonical } from "./engine/encoding.ts";
import type { Model } from "./engine/model.ts";
import * as library from "./library.ts";
import type { ModelEntry, Parameter } from "./modelEntry.ts";
import type { Mutation } from "./mutations/mutation.ts";

const FILE_KEYS = ["what", "parameters", "faults", "build"];
const PARAMETER_KEYS = ["value", "min", "max", "what"];
const MOST_DEFAULT = 1_000_000;

interface Loaded {
  readonly entry: ModelEntry;
  readonly faults: readonly Mutation[];
}

const loaded = new Map<string, Loaded>();

/** Whether the name of a model is that of a file. */
export function isModelFile(name: string): boolean {
  return /\.[cm]?[jt]s$/.test(name) || /[/\\]/.test(name);
}

/** What a file that was loaded holds; null if it was not. */
export function loadedModel(name: string): Loaded | null {
  return loaded.get(resolve(name)) ?? null;
}

/** Loads a file of a model, so that the catalogue knows it. @throws UserError if it is none */
export async function loadModelFile(name: string): Promise<void> {
  const path = resolve(name);
  if (loaded.has(path)) return;
  if (kindOfFile(path) !== "plain") {
    throw new UserError(`${name}: there is no such file`);
  }
  loaded.set(path, loadedFrom(name, modelFileOf(name, await exportOf(name, path))));
}

/**
 * Takes a model that is here already, and gives the name by which the catalogue knows it until `dropModel`.
 * Other threads cannot build it.
 * @param what its name in messages; @throws UserError if it is none
 */
export function adoptModel(what: string, value: unknown): string {
  let name = `./${what}`;
  for (let n = 2; loaded.has(resolve(name)); n++) name = `./${what}-${n}`;
  loaded.set(resolve(name), loadedFrom(what, modelFileOf(what, value)));
  return name;
}

export function dropModel(name: string): void {
  loaded.delete(resolve(name));
}

/** What the file imports as "trackvisor/check" is this program's own: a model and its explorer are of one kind. */
async function exportOf(name: string, path: string): Promise<unknown> {
  const own = {
    "trackvisor/check": library,
    ...(hasOwn("xstate", path) ? {} : { xstate }),
  };
  return defaultOf(await loadUserModule(name, path, own));
}

/** The default export. A CommonJS file has its exports in its place, which may have a default again. */
function defaultOf(module: unknown): unknown {
  if (typeof module !== "object" || module === null || !("default" in module)) return module;
  return defaultOf(module.default);
}

function modelFileOf(name: string, value: unknown): ModelFile {
  if (isBuild(value)) return { build: value };
  if (isModel(value)) return { build: () => value };
  if (isRecord(value) && "build" in value) {
    refuseUnknown(value, FILE_KEYS, name);
    if (isDescription(value)) return value;
    throw new UserError(`${name}: "build": expected a function`);
  }
  throw new UserError(
    `${name}: expected as its default export a model (actorModel({...})), a function that builds one, or { build, parameters, faults }`,
  );
}

function isBuild(value: unknown): value is ModelFile["build"] {
  return typeof value === "function";
}

function isDescription(value: unknown): value is ModelFile {
  return isRecord(value) && isBuild(value["build"]);
}

function isModel(value: unknown): value is Model {
  return typeof value === "object" && value !== null && "components" in value && "slots" in value;
}

function loadedFrom(name: string, file: ModelFile): Loaded {
  const faults = Object.entries(file.faults ?? {}).map(([fault, mistake]): Mutation => {
    return { name: fault, mistake, model: name, breaks: "" };
  });
  const entry: ModelEntry = {
    name,
    what: file.what ?? "a model of its own",
    parameters: Object.entries(file.parameters ?? {}).map(([key, one]) => {
      return parameterOf(name, key, one);
    }),
    build: (values, mutation) =>
      workedOutTwice(builtModel(name, () => file.build(values, mutation?.name ?? null))),
    system: null,
  };
  return { entry, faults };
}

function parameterOf(file: string, name: string, parameter: FileParameter): Parameter {
  refuseUnknown(parameter, PARAMETER_KEYS, `${file}: parameter "${name}"`);
  const { value, min = 0, max = MOST_DEFAULT, what = "" } = parameter;
  if (![value, min, max].every(Number.isInteger) || value < min || value > max) {
    throw new UserError(
      `${file}: parameter "${name}": expected whole numbers, min <= value <= max`,
    );
  }
  return { name, value, min, max, what };
}

function builtModel(name: string, build: () => unknown): Model {
  let model: unknown;
  try {
    model = build();
  } catch (error) {
    if (error instanceof UserError)
      throw new UserError(`${name}: ${error.message}`, { cause: error });
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${name}: its model cannot be built: ${reason}`, { cause: error });
  }
  if (!isModel(model))
    throw new UserError(`${name}: "build" has returned no model (actorModel({...}))`);
  if (model.channels.some((one) => one !== null && !(one instanceof Channel))) {
    throw new UserError(`${name}: its model was made by another copy of trackvisor`);
  }
  return model;
}

/** The same model, whose steps are worked out twice: a step that goes by chance, or by hidden state, differs. */
function workedOutTwice(model: Model): Model {
  const components = model.components.map((component) => ({
    ...component,
    step: (ids: Int32Array, event: Parameters<typeof component.step>[1]) => {
      const [first, second] = [component.step(ids, event), component.step(ids, event)];
      if (canonical(first) === canonical(second)) return first;
      throw new UserError(
        `model ${model.name}: ${component.name} on "${event.type}" depends on what is not its state: worked out twice, the step differs`,
      );
    },
  }));
  return { ...model, components };
}

/** The planted fault of a loaded file. @throws UserError, with the nearest name, if it has none of this name */
export function fileFault(name: string, { faults }: Loaded): Mutation {
  const found = faults.find((fault) => fault.name === name);
  if (found !== undefined) return found;
  const names = faults.map((fault) => fault.name);
  throw new UserError(`there is no fault "${name}"${nearest(name, names)}`);
}
