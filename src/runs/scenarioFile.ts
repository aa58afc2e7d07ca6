/** Finds and reads scenario files: by path, or by the name of one that is shipped. */

import { dirname, join } from "node:path";
import { isGuestPhysical } from "../../workloads/trace/reader.ts";
import { type FieldPath, pathText } from "../config/fieldPath.ts";
import { nearest } from "../config/nearest.ts";
import type { Override } from "../config/override.ts";
import { parseFields, parseYaml } from "../config/yamlFile.ts";
import { FieldError, type Problem, UserError } from "../errors.ts";
import { kindOfFile, listDirectory, readText } from "../io/inputFile.ts";
import { packagePath } from "../io/packageFiles.ts";
import { type BuildOptions, buildSystem, planScenario } from "../system/build.ts";
import { unreadFields } from "../system/scenario/unread.ts";
import { type Scenario, scenarioSchema } from "../system/scenarioSchema.ts";
import type { System } from "../system/system.ts";

const MAX_BYTES = 1 << 20;
const EXTENSION = ".yaml";
/** Beside the shipped scenarios: those in which a fault is planted. */
const REPORTS = "reports";
const TRACE_EXTENSION = ".tvtrace";

/** A scenario as it was written: parsed, with what the command line has put into it, and where each value is from. */
export interface LoadedScenario {
  readonly scenario: Scenario;
  /** Where relative file names in it start. */
  readonly directory: string;
  /** "file:line" of a field, or the option that has set it. */
  readonly at: (path: FieldPath) => string;
  /** The options that have set fields, in order; and how the scenario is with others. */
  readonly overrides: readonly Override[];
  readonly load: Loader;
}

/** Reads a scenario, with fields of other values. @throws UserError */
export type Loader = (overrides: readonly Override[]) => LoadedScenario;

/** A loader from what reads the fields. */
export function loaderBy(
  read: (overrides: readonly Override[]) => Omit<LoadedScenario, "overrides" | "load">,
): Loader {
  const load: Loader = (overrides) => ({ ...read(overrides), overrides, load });
  return load;
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
  const load = loaderBy((given) => {
    const { value: scenario, at } = parseYaml(path, text, scenarioSchema, given);
    return { scenario, directory: dirname(path), at };
  });
  return load(overrides);
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
  const load = loaderBy((given) => {
    const { value: scenario, at } = parseFields(origin, fields, scenarioSchema, given);
    return { scenario, directory: ".", at };
  });
  return load(overrides);
}

/** How a scenario, or a trace by its extension, is read with fields of other values. */
export function loaderOf(name: string): Loader {
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
 * Does something with a scenario that was loaded.
 * @throws UserError with all that is wrong, each mistake in a line that begins with its place
 */
export function placed<Done>(loaded: LoadedScenario, action: () => Done): Done {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    const without = withoutEach(loaded);
    throw new UserError(
      error.problems.map((problem) => `${placeOf(problem, loaded, without)}: ${problem.message}`),
    );
  }
}

/** What is wrong without one of the options: whoever takes a mistake away by not being there has made it. */
type Without = ReadonlyMap<Override, readonly Problem[]>;

function withoutEach({ overrides, load }: LoadedScenario): Without {
  return new Map(
    overrides.map((one) => {
      try {
        const { scenario, directory } = load(overrides.filter((other) => other !== one));
        planScenario(scenario, directory);
        return [one, []];
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        // Without it the whole cannot be read: it is not what was wrong.
        return [one, error instanceof FieldError ? error.problems : [{ path: [], message: "" }]];
      }
    }),
  );
}

/** The option that has set the field; or those that have made it wrong; or the field's line. */
function placeOf({ path }: Problem, { overrides, at }: LoadedScenario, without: Without): string {
  const own = at(path);
  if (overrides.some(({ origin }) => origin === own)) return own;
  const isAbout = (other: FieldPath): boolean =>
    other.length === 0 || pathText(other) === pathText(path);
  const blamed = overrides.filter((one) => {
    return !without.get(one)?.some((problem) => isAbout(problem.path));
  });
  return blamed.length === 0 ? own : blamed.map(({ origin }) => origin).join(", ");
}

/** Options that set what the scenario's plan does not read, each with what is said of it. */
function unreadOverrides({ scenario, overrides }: LoadedScenario): Map<Override, string> {
  const unread = unreadFields(scenario);
  const found = overrides.flatMap((option): [Override, string][] => {
    const field = unread.find(({ path }) => sets(option, path));
    if (field === undefined) return [];
    const what = `${option.origin}: ${pathText(field.path)} would change nothing`;
    return [[option, `${what}: ${field.why}`]];
  });
  return new Map(found);
}

/** Whether an option says something of a field, or of what is in it. */
function sets({ path, value }: Override, field: FieldPath): boolean {
  if (value === null) return false;
  const isAlong = path.every((part, n) => n >= field.length || String(part) === String(field[n]));
  if (!isAlong) return false;
  let inner: unknown = value;
  for (const part of field.slice(path.length)) {
    if (typeof inner !== "object" || inner === null) return false;
    inner = Reflect.get(inner, part);
  }
  return inner !== undefined;
}

/**
 * What one of several scenarios does not read another may: an option that none of them reads is a mistake.
 * @throws UserError, a line for each
 */
export function refuseUnread(...scenarios: readonly LoadedScenario[]): void {
  const isRead = new Set<string>();
  const unread = new Map<string, string>();
  for (const loaded of scenarios) {
    const found = unreadOverrides(loaded);
    for (const option of loaded.overrides) {
      const line = found.get(option);
      if (line === undefined) isRead.add(option.origin);
      else unread.set(option.origin, line);
    }
  }
  const lines = [...unread].flatMap(([origin, line]) => (isRead.has(origin) ? [] : [line]));
  if (lines.length > 0) throw new UserError(lines);
}

/** Whether a scenario can be run here. @throws UserError with all that is wrong with it, and the places */
export function checkLoaded(loaded: LoadedScenario): void {
  placed(loaded, () => planScenario(loaded.scenario, loaded.directory));
}

/**
 * Builds a scenario's system.
 * @param options but for the directory, which the scenario has
 * @throws UserError with all that is wrong with it, and the places
 */
export function buildLoaded(
  loaded: LoadedScenario,
  options: Omit<BuildOptions, "directory"> = {},
): System {
  const { scenario, directory } = loaded;
  return placed(loaded, () => buildSystem(scenario, { ...options, directory }));
}

/** Names of the shipped scenarios, in order. */
export function shippedScenarios(): string[] {
  return scenariosIn(scenarioDirectory());
}

/** Names of the shipped scenarios that show a fault which people reported of a real hypervisor, in order. */
export function shippedReports(): string[] {
  return scenariosIn(join(scenarioDirectory(), REPORTS)).map((name) => `${REPORTS}/${name}`);
}

function scenariosIn(directory: string): string[] {
  return listDirectory(directory)
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
  const names = [...shippedScenarios(), ...shippedReports()];
  if (names.includes(nameOrPath)) return join(scenarioDirectory(), nameOrPath + EXTENSION);
  const hint = `${nearest(nameOrPath, names)} (shipped: ${names.join(", ")})`;
  throw new UserError(`${nameOrPath}: no such file, and no shipped scenario of that name${hint}`);
}

function scenarioDirectory(): string {
  const path = packagePath("workloads", "scenarios");
  if (path === null) throw new Error("the shipped scenarios are missing");
  return path;
}
