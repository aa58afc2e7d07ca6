/** Scenarios as the library takes them: by name, by file, as a trace, or as fields. */
import type * as z from "zod";
import { type Override, parseOverride } from "../config/override.ts";
import { parseFields } from "../config/yamlFile.ts";
import { UserError } from "../errors.ts";
import { type LoadedScenario, type Loader, loaderBy, loaderOf } from "../runs/scenarioFile.ts";
import { scenarioSchema } from "../system/scenarioSchema.ts";

/** The fields of a scenario as a file has them (docs/scenario.md): "1GiB", "100ms"; defaults left out. */
export type ScenarioFields = DeepReadonly<z.input<typeof scenarioSchema>>;

type DeepReadonly<Value> = Value extends object
  ? { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> }
  : Value;

/**
 * A path of fields, and the value that it gets: `{ "tracker.technique": "prl", "vms.*.vcpus": 2 }`. Elements of
 * lists are named by number, by `*` for all, or by their `name`. null takes a field out, so that it has its default.
 */
export type Fields = Readonly<Record<string, unknown>>;

export interface ScenarioSettings {
  /** Fields that have other values than in the scenario. */
  readonly set?: Fields;
  /** Where relative names of trace files start, for a scenario that is given as fields; the current directory. */
  readonly directory?: string;
}

/** A scenario that was loaded; or the name of a shipped one, a scenario file, a trace (.tvtrace), or fields. */
export type ScenarioSource = LoadedScenario | string | ScenarioFields;

const FIELDS = "scenario";

/**
 * Reads a scenario and fills in its defaults. Nothing is run.
 * @param source the name of a shipped scenario, a file, a trace (one VM of one vCPU plays it), or fields
 * @returns the scenario with durations in cycles and sizes in pages, and where its files' names start
 * @throws UserError with file, line, field, what was expected, and the nearest valid name
 */
export function loadScenario(
  source: string | ScenarioFields,
  settings: ScenarioSettings = {},
): LoadedScenario {
  return loaderOfSource(source, settings.directory)(overridesOf(settings.set));
}

/** How a source is read with fields of other values. One that was loaded has no others. */
export function loaderOfSource(source: ScenarioSource, directory = "."): Loader {
  if (typeof source === "string") return loaderOf(source);
  if (isLoaded(source)) {
    return (overrides) => {
      if (overrides.length === 0) return source;
      // What was loaded has its durations in cycles already: a file's words are needed.
      throw new UserError(
        `${overrides[0]?.origin ?? FIELDS}: set fields where the scenario is loaded: loadScenario(source, { set })`,
      );
    };
  }
  return loaderBy((overrides) => {
    const { value: scenario, at } = parseFields(FIELDS, source, scenarioSchema, overrides);
    return { scenario, directory, at };
  });
}

/** A path and a value, as `--set` has them. @throws UserError for what is no path */
export function overridesOf(set: Fields = {}): Override[] {
  return Object.entries(set).map(([field, value]) => {
    const origin = `set "${field}"`;
    if (field.includes("=")) throw new UserError(`${origin}: expected a path of fields`);
    const { path } = parseOverride(`${field}=null`, "set");
    return { path, value, origin };
  });
}

function isLoaded(source: LoadedScenario | ScenarioFields): source is LoadedScenario {
  return "scenario" in source && "at" in source;
}
