/** All kinds of workloads: their configuration, and how to make one. */
import { z } from "zod";
import { ArrayParser, arrayParserSchema } from "./generators/arrayParser.ts";
import { ExternalSort, externalSortSchema } from "./generators/externalSort.ts";
import { HotCold, hotColdSchema } from "./generators/hotCold.ts";
import { Hpl, hplSchema } from "./generators/hpl.ts";
import { Parsec, parsecSchema } from "./generators/parsec.ts";
import { PhaseChange, phaseChangeSchema } from "./generators/phaseChange.ts";
import { Phases, phasesSchema } from "./generators/phases.ts";
import { RecordStore, recordStoreSchema } from "./generators/recordStore.ts";
import { Script, scriptSchema } from "./generators/script.ts";
import { Sequential, sequentialSchema } from "./generators/sequential.ts";
import { TraceWorkload, traceSchema } from "./generators/trace.ts";
import { Uniform, uniformSchema } from "./generators/uniform.ts";
import { Zipf, zipfSchema } from "./generators/zipf.ts";
import { deriveSeed } from "./random.ts";
import type { Workload } from "./workload.ts";

export const workloadSchema = z
  .discriminatedUnion("kind", [
    arrayParserSchema,
    phasesSchema,
    uniformSchema,
    zipfSchema,
    hotColdSchema,
    phaseChangeSchema,
    sequentialSchema,
    scriptSchema,
    traceSchema,
    hplSchema,
    externalSortSchema,
    recordStoreSchema,
    parsecSchema,
  ])
  .describe("what a guest does: a stream of accesses to its pages");

/** A workload with its defaults filled in. */
export type WorkloadConfig = z.infer<typeof workloadSchema>;

export interface WorkloadSurroundings {
  /** The scenario's seed; a workload without a seed of its own has one made of this and its name. */
  readonly seed?: number;
  /** The scenario file's directory, where relative trace names start; the current one if not given. */
  readonly directory?: string;
}

/**
 * @param name the part's name, unique within a system
 * @throws UserError if a trace cannot be played.
 */
export function createWorkload(
  config: WorkloadConfig,
  name: string,
  surroundings: WorkloadSurroundings = {},
): Workload {
  const seed = config.seed ?? deriveSeed(surroundings.seed ?? 1, name);
  switch (config.kind) {
    case "arrayParser":
      return new ArrayParser(name, config, seed);
    case "phases":
      return new Phases(name, config, seed);
    case "uniform":
      return new Uniform(name, config, seed);
    case "zipf":
      return new Zipf(name, config, seed);
    case "hotCold":
      return new HotCold(name, config, seed);
    case "phaseChange":
      return new PhaseChange(name, config, seed);
    case "sequential":
      return new Sequential(name, config, seed);
    case "script":
      return new Script(name, config, seed);
    case "trace":
      return new TraceWorkload(name, config, seed, surroundings.directory ?? ".");
    case "hpl":
      return new Hpl(name, config, seed);
    case "externalSort":
      return new ExternalSort(name, config, seed);
    case "recordStore":
      return new RecordStore(name, config, seed);
    case "parsec":
      return new Parsec(name, config, seed);
  }
}
