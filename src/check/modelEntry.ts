/** What the catalogue knows of a model: its name, its parameters, and how it is built. */

import { fieldOf } from "../lookup.ts";
import type { System } from "../system/system.ts";
import type { Model } from "./engine/model.ts";
import type { TrackingOptions } from "./models/tracking.ts";
import type { Mutation } from "./mutations/mutation.ts";

export interface Parameter {
  readonly name: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly what: string;
}

export type Values = Readonly<Record<string, number>>;

export interface ModelEntry {
  readonly name: string;
  readonly what: string;
  readonly parameters: readonly Parameter[];
  readonly build: (values: Values, mutation: Mutation | null) => Model;
  /** The running system that the model explores, newly built; null for models of other machines. */
  readonly system: ((values: Values, mutation: Mutation | null) => System) | null;
}

/** Parameters of every model of a tracked VM. */
export function geometry(
  pages: number,
  log: number,
  reads: 0 | 1,
  levels: 1 | 2 = 1,
): readonly Parameter[] {
  return [
    { name: "pages", value: pages, min: 1, max: 4, what: "pages of each VM" },
    { name: "log", value: log, min: 1, max: 3, what: "entries of a log" },
    { name: "levels", value: levels, min: levels, max: 3, what: "levels of the EPT" },
    { name: "reads", value: reads, min: 0, max: 1, what: "1: guests read as well as write" },
  ];
}

/** What geometry()'s parameters say, as options of a small system. */
export function sizesOf(
  values: Values,
): Pick<TrackingOptions, "pages" | "logEntries" | "eptLevels" | "reads"> {
  return {
    pages: fieldOf(values, "pages"),
    logEntries: fieldOf(values, "log"),
    eptLevels: values["levels"] ?? 1,
    reads: values["reads"] === 1,
  };
}

/** A planted fault, as options of a small system. */
export function faultsOf(mutation: Mutation | null): Partial<TrackingOptions> {
  return {
    ...(mutation?.trackerFault === undefined ? {} : { faults: [mutation.trackerFault] }),
    ...(mutation?.replace === undefined ? {} : { replace: mutation.replace }),
  };
}
