/** All kinds of workloads: their configuration, and how to make one. */

import { z } from "zod";
import { excerpt } from "../src/config/fieldPath.ts";
import { unionOfKinds } from "../src/config/unionOfKinds.ts";
import { UserError } from "../src/errors.ts";
import { ArrayParser, arrayParserSchema } from "./generators/arrayParser.ts";
import { ExternalSort, externalSortSchema } from "./generators/externalSort.ts";
import { commonFields, type Pace } from "./generators/generator.ts";
import { HotCold, hotColdSchema } from "./generators/hotCold.ts";
import { Hpl, hplSchema } from "./generators/hpl.ts";
import { LinuxWorkload, LiveLinux, linuxSchema } from "./generators/linux.ts";
import { MachineTracePlayer } from "./generators/machineTrace.ts";
import { Parsec, parsecSchema } from "./generators/parsec.ts";
import { PhaseChange, phaseChangeSchema } from "./generators/phaseChange.ts";
import { Phases, phasesSchema } from "./generators/phases.ts";
import { RecordStore, recordStoreSchema } from "./generators/recordStore.ts";
import { Script, scriptSchema } from "./generators/script.ts";
import { Sequential, sequentialSchema } from "./generators/sequential.ts";
import { type TraceConfig, TraceWorkload, tracePath, traceSchema } from "./generators/trace.ts";
import { Uniform, uniformSchema } from "./generators/uniform.ts";
import { LiveWasmGuest, WasmGuest, wasmSchema } from "./generators/wasm.ts";
import { Zipf, zipfSchema } from "./generators/zipf.ts";
import { deriveSeed } from "./random.ts";
import { addressesOf } from "./trace/reader.ts";
import type { Workload } from "./workload.ts";

/** What a workload is made with, beside its fields. */
interface Made {
  /** Its own, or one made of the scenario's and its name. */
  readonly seed: number;
  readonly directory: string;
  /** For a program, which has other defaults. */
  readonly given: WorkloadSurroundings;
}

/** What else is said of a kind of workload. */
interface Traits<Config> {
  /** Whether it is a program that has to be run first; default: no. */
  readonly isRun?: (config: Config) => boolean;
  /** Whether its accesses are the same with every seed; default: no. */
  readonly isCertain?: (config: Config) => boolean;
}

/** A kind of workload: its fields, how one is made of them, and what else is said of it. */
function kindOf<Schema extends z.ZodObject<{ kind: z.ZodLiteral<string> }>>(
  schema: Schema,
  create: (name: string, config: z.output<Schema>, made: Made) => Workload,
  { isRun = () => false, isCertain = () => false }: Traits<z.output<Schema>> = {},
) {
  const kind = schema.shape.kind.value;
  const isOwn = (config: unknown): config is z.output<Schema> =>
    typeof config === "object" && config !== null && "kind" in config && config.kind === kind;
  return {
    kind,
    schema,
    isRun: (config: unknown): boolean => isOwn(config) && isRun(config),
    isCertain: (config: unknown): boolean => isOwn(config) && isCertain(config),
    create(config: unknown, name: string, made: Made): Workload {
      if (!isOwn(config)) throw new Error(`this is no workload "${kind}"`);
      return create(name, config, made);
    },
  };
}

/** Every kind, in the order of manuals. */
const BUILT_IN = [
  kindOf(arrayParserSchema, (name, config, { seed }) => new ArrayParser(name, config, seed), {
    isCertain: ({ writeIntensity }) => writeIntensity === 0 || writeIntensity === 100,
  }),
  kindOf(phasesSchema, (name, config, { seed }) => new Phases(name, config, seed), {
    isCertain: () => true,
  }),
  kindOf(uniformSchema, (name, config, { seed }) => new Uniform(name, config, seed)),
  kindOf(zipfSchema, (name, config, { seed }) => new Zipf(name, config, seed)),
  kindOf(hotColdSchema, (name, config, { seed }) => new HotCold(name, config, seed)),
  kindOf(phaseChangeSchema, (name, config, { seed }) => new PhaseChange(name, config, seed)),
  kindOf(sequentialSchema, (name, config, { seed }) => new Sequential(name, config, seed), {
    isCertain: ({ writeFraction }) => writeFraction === 0 || writeFraction === 1,
  }),
  kindOf(scriptSchema, (name, config, { seed }) => new Script(name, config, seed), {
    isCertain: () => true,
  }),
  kindOf(traceSchema, traceOf, { isCertain: () => true }),
  kindOf(hplSchema, (name, config, { seed }) => new Hpl(name, config, seed)),
  kindOf(externalSortSchema, (name, config, { seed }) => new ExternalSort(name, config, seed)),
  kindOf(recordStoreSchema, (name, config, { seed }) => new RecordStore(name, config, seed)),
  kindOf(parsecSchema, (name, config, { seed }) => new Parsec(name, config, seed)),
  kindOf(
    wasmSchema,
    (name, config, { given }) =>
      config.live ? new LiveWasmGuest(name, config, given) : new WasmGuest(name, config, given),
    { isRun: ({ live }) => !live },
  ),
  kindOf(
    linuxSchema,
    (name, config, { given }) =>
      config.live ? new LiveLinux(name, config, given) : new LinuxWorkload(name, config, given),
    { isRun: ({ live }) => !live },
  ),
] as const;

type SchemasOf<Kinds extends readonly { readonly schema: z.ZodObject }[]> = {
  readonly [I in keyof Kinds]: Kinds[I]["schema"];
};

/** Kinds that a program has registered, by name. */
const registered = new Map<string, OwnWorkload>();

function unionOf(kinds: readonly z.ZodObject[]) {
  // Others are taken as well, but the types know those that are built in alone.
  const all: readonly z.ZodObject[] = [...BUILT_IN.map(({ schema }) => schema), ...kinds];
  return unionOfKinds<SchemasOf<typeof BUILT_IN>>(all).describe(
    "what a guest does: a stream of accesses to its pages",
  );
}

/** Of all kinds. Another one once a kind was registered: importers see the present one. */
export let workloadSchema = unionOf([]);

/** A kind of workload that is not built in. */
export interface OwnWorkload {
  /** Its name in scenarios. */
  readonly kind: string;
  /** Its own fields, beside `kind`, `gap`, `accesses` and `seed`. */
  readonly parameters: z.ZodRawShape;
  /**
   * Makes one. Two made of the same have to make the same accesses: the seed is the only chance there is.
   * @param config its fields, as the schema has parsed them; @param name of the part, to be kept
   */
  readonly create: (config: OwnWorkloadConfig, name: string, seed: number) => Workload;
}

export type OwnWorkloadConfig = Pace & Readonly<Record<string, unknown>>;

/** From now on `workloadSchema` takes this kind. @throws UserError if the name is taken, or is none */
export function addWorkloadKind(own: OwnWorkload): void {
  const { kind, parameters } = own;
  const isTaken = registered.has(kind) || BUILT_IN.some((one) => one.kind === kind);
  if (isTaken) throw new UserError(`workload "${kind}": there is one of this kind already`);
  if (!/^[A-Za-z][\w-]{0,39}$/.test(kind)) {
    throw new UserError(`workload "${excerpt(kind)}": expected letters, digits, - and _`);
  }
  const reserved = Object.keys(parameters).find((name) => name === "kind" || name in commonFields);
  if (reserved !== undefined) {
    throw new UserError(`workload "${kind}": the field "${reserved}" is one of every workload`);
  }
  registered.set(kind, own);
  workloadSchema = unionOf(
    [...registered.values()].map((one) =>
      z.strictObject({ kind: z.literal(one.kind), ...one.parameters, ...commonFields }),
    ),
  );
}

/** Those that were registered, in the order of their registration. */
export function ownWorkloadKinds(): string[] {
  return [...registered.keys()];
}

/** Whether a workload has to be run before anything is known of it: a program, whose accesses are noted. */
export function isRunToBeKnown(config: WorkloadConfig): boolean {
  return BUILT_IN.some((one) => one.isRun(config));
}

/** Whether a workload makes the same accesses with every seed: nothing is left to chance in it. */
export function isCertain(config: WorkloadConfig): boolean {
  return BUILT_IN.some((one) => one.isCertain(config));
}

/** A workload with its defaults filled in. */
export type WorkloadConfig = z.infer<typeof workloadSchema>;

export interface WorkloadSurroundings {
  /** The scenario's seed; a workload without a seed of its own has one made of this and its name. */
  readonly seed?: number;
  /** The scenario file's directory, where relative trace names start; the current one if not given. */
  readonly directory?: string;
  /** Whether the guest's machine is to be looked at. */
  readonly showsBytes?: boolean;
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
  const { directory = "." } = surroundings;
  const seed = config.seed ?? deriveSeed(surroundings.seed ?? 1, name);
  const own = registered.get(config.kind);
  if (own !== undefined) return own.create({ ...config }, name, seed);
  const found = BUILT_IN.find(({ kind }) => kind === config.kind);
  if (found === undefined) throw new Error(`there is no workload "${config.kind}"`);
  return found.create(config, name, { seed, directory, given: surroundings });
}

/** Of a whole machine, or of a program. @throws UserError if it cannot be played as it was asked for */
function traceOf(name: string, config: TraceConfig, { seed, directory }: Made): Workload {
  const path = tracePath(config.file, directory);
  if (addressesOf(path) !== "machine") return new TraceWorkload(name, config, seed, directory);
  if (config.passes !== 1 || config.placement !== "compact") {
    throw new UserError(
      `${path}: a whole machine's: it is played once, and its pages keep their numbers`,
    );
  }
  return new MachineTracePlayer(name, config, path);
}
