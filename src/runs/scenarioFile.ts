/** Finds and reads scenario files: by path, or by the name of one that is shipped. */

import { dirname, join } from "node:path";
import { isGuestPhysical } from "../../workloads/trace/reader.ts";
import { nearest } from "../config/nearest.ts";
import type { Override } from "../config/override.ts";
import { parseFields, parseYaml } from "../config/yamlFile.ts";
import { FieldError, UserError } from "../errors.ts";
import { kindOfFile, listDirectory, readText } from "../io/inputFile.ts";
import { packagePath } from "../io/packageFiles.ts";
import { type BuildOptions, buildSystem } from "../system/build.ts";
import { type Scenario, scenarioSchema } from "../system/scenarioSchema.ts";
import type { System } from "../system/system.ts";

const MAX_BYTES = 1 << 20;
const EXTENSION = ".yaml";
const TRACE_EXTENSION = ".tvtrace";

export interface LoadedScenario {
  readonly scenario: Scenario;
  /** Where relative file names in it start. */
  readonly directory: string;
  /** "file:line" of a field, or the option that has set it. */
  readonly at: (path: readonly PropertyKey[]) => string;
}

/**
 * Reads a scenario.
 * @param overrides what the command line says of its fields
 * @throws UserError if there is none, or if it is malformed
 */
export function loadScenario(
  nameOrPath: string,
  overrides: readonly Override[] = [],
): LoadedScenario {
  const path = resolveScenario(nameOrPath);
  const text = readText(path, MAX_BYTES);
  const { value: scenario, at } = parseYaml(path, text, scenarioSchema, overrides);
  return { scenario, directory: dirname(path), at };
}

/**
 * One VM of one vCPU that plays a trace.
 * @param origin of mistakes that are no override's, for messages
 * @throws UserError
 */
export function traceScenario(
  file: string,
  { name, origin }: { readonly name: string; readonly origin: string },
  overrides: readonly Override[],
): LoadedScenario {
  const workload = { kind: "trace", file } as const;
  const paging = isGuestPhysical(file) ? { paging: "off" } : {};
  const fields = { name, vms: [{ workload, ...paging }] };
  const { value: scenario, at } = parseFields(origin, fields, scenarioSchema, overrides);
  return { scenario, directory: ".", at };
}

/** How a scenario, or a trace by its extension, is read with fields of other values. */
export function loaderOf(name: string): (overrides: readonly Override[]) => LoadedScenario {
  if (!name.endsWith(TRACE_EXTENSION)) return (overrides) => loadScenario(name, overrides);
  return (overrides) => traceScenario(name, { name, origin: name }, overrides);
}

/** The words by which `trackvisor run` gets what `loaderOf` reads. */
export function sourceWords(name: string): readonly string[] {
  return name.endsWith(TRACE_EXTENSION) ? ["--trace", name] : [name];
}

/** The text of a scenario file, or of the shipped one of that name. @throws UserError */
export function readScenario(nameOrPath: string): string {
  return readText(resolveScenario(nameOrPath), MAX_BYTES);
}

/**
 * Builds a scenario's system.
 * @param options but for the directory, which the scenario has
 * @throws UserError with the field's line if the scenario asks in one of its fields for what cannot be
 */
export function buildLoaded(
  { scenario, directory, at }: LoadedScenario,
  options: Omit<BuildOptions, "directory"> = {},
): System {
  try {
    return buildSystem(scenario, { ...options, directory });
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw new UserError(`${at(error.path)}: ${error.message}`);
  }
}

/** Names of the shipped scenarios, in order. */
export function shippedScenarios(): string[] {
  return listDirectory(scenarioDirectory())
    .filter((file) => file.endsWith(EXTENSION))
    .map((file) => file.slice(0, -EXTENSION.length))
    .sort();
}

/** The path of a scenario file, or of the shipped one of that name. @throws UserError */
export function resolveScenario(nameOrPath: string): string {
  if (nameOrPath === "") throw new UserError("expected a scenario, not an empty name");
  const kind = kindOfFile(nameOrPath);
  if (kind === "plain") return nameOrPath;
  if (kind !== "none") {
    throw new UserError(`${nameOrPath}: expected a scenario file, this is a ${kind}`);
  }
  const names = shippedScenarios();
  if (names.includes(nameOrPath)) return join(scenarioDirectory(), nameOrPath + EXTENSION);
  const hint = `${nearest(nameOrPath, names)} (shipped: ${names.join(", ")})`;
  throw new UserError(`${nameOrPath}: no such file, and no shipped scenario of that name${hint}`);
}

function scenarioDirectory(): string {
  const path = packagePath("workloads", "scenarios");
  if (path === null) throw new Error("the shipped scenarios are missing");
  return path;
}
